{ mkRoom, ... }:
mkRoom ./. {
  summary = "the x86_64 architecture";
  provides = [ "arch" ];
  arch = {
    targetSpec = ./x86_64-unicore.json;
    qemu = "qemu-system-x86_64";
  };
}
