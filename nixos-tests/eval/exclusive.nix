# Two rooms need what has one user.
{
  unikernel.libs = {
    arm.enable = true;
    wheel.enable = true;
  };
  problems = [
    "interface `motor` of room `stepper` has one user, and `arm` (nixos-tests/eval/fixtures/pool/crates/arm/module.nix:4), `wheel` (nixos-tests/eval/fixtures/pool/crates/wheel/module.nix:4) need it: keep one of them in the image"
  ];
}
