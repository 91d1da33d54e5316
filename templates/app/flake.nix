{
  description = "greeter, a unikernel";

  inputs.unicore.url = "git+https://xenbits.xenproject.org/git-http/unicore.git";

  outputs = { unicore, ... }: unicore.lib.mkFlake { unikernels.greeter = ./unikernel.nix; };
}
