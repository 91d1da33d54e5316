# The real pool: an option of the user-space platform, misspelt.
{
  platform = "linux";
  arch = "x86_64";
  unikernel = {
    app.needs = [ "console" ];
    libs.linux.heapMib = 64;
    libs.linux.heapMiB = 0;
  };
  problems = [
    "`libs.linux.heapMiB` is 0 (nixos-tests/eval/real-misspelt-option.nix:8), but its type is integer between 1 and 1048576 (both inclusive): set it to such a value, or leave it out for the default 1024"
    "`libs.linux.heapMib` (nixos-tests/eval/real-misspelt-option.nix:7) is not an option: did you mean `libs.linux.heapMiB`?"
  ];
}
