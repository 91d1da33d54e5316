# The platform's changes make another target specification, of the same name.
{ lib, ... }:
{
  unikernel = { };
  show =
    composition:
    let
      inherit (composition.target) specification;
      changed = builtins.toFile "target.json" ''{"llvm-target":"z80","os":"board"}'';
    in
    {
      isChanged = specification == changed;
      isNamedAsTheTarget = lib.hasSuffix "-target.json" specification;
    };
  shown = {
    isChanged = true;
    isNamedAsTheTarget = true;
  };
}
