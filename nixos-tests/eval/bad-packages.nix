# Rooms whose Cargo.toml is not as the pool wants it.
{
  unikernel.libs = {
    adrift.enable = true;
    misnamed.enable = true;
    unlinted.enable = true;
  };
  problems = [
    "room `misnamed` has a package of another name, `unnamed` (nixos-tests/eval/fixtures/pool/crates/misnamed/Cargo.toml): set `package.name = \"misnamed\"`, or rename the directory"
    "room `unlinted` is not held to the pool's lints (nixos-tests/eval/fixtures/pool/crates/unlinted/Cargo.toml): add `[lints]` with `workspace = true`"
    "package `adrift` depends by path on `plain-libary` (nixos-tests/eval/fixtures/pool/crates/adrift/Cargo.toml), which is not in the pool: did you mean `plain-library`?"
  ];
}
