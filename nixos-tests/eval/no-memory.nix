# An amount of memory that no machine has.
{
  unikernel.memoryMiB = 0;
  problems = [
    "`memoryMiB` is 0 (nixos-tests/eval/no-memory.nix:3), but its type is null or integer between 1 and 1048576 (both inclusive): set it to such a value, or leave it out for the default null"
  ];
}
