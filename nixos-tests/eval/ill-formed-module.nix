# A room whose module gives attributes of other types than they are.
{
  unikernel.libs.ill-formed.enable = true;
  problems = [
    "room `ill-formed`: `needs` (nixos-tests/eval/fixtures/pool/crates/ill-formed/module.nix:4) must be a list of strings, or a function from the settings to one"
    "room `ill-formed`: `options` (nixos-tests/eval/fixtures/pool/crates/ill-formed/module.nix:6) must be an attribute set of lib.mkOption"
    "room `ill-formed`: `provides` (nixos-tests/eval/fixtures/pool/crates/ill-formed/module.nix:5) must be a list of strings"
    "room `ill-formed`: `summary` (nixos-tests/eval/fixtures/pool/crates/ill-formed/module.nix:3) must be a string"
    "room `ill-formed`: constant `size` is not one of its options: declare it in `options`, or take it out of `constants`"
  ];
}
