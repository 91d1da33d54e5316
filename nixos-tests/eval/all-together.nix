# Problems of every layer, told together.
{
  unikernel = {
    app.needs = [
      "hen"
      "lamb"
    ];
    libs.board.clockMHz = 0;
    libs.bord.clockMHz = 1;
    choose.motor = "lamp-red";
  };
  problems = [
    "`libs.board.clockMHz` is 0 (nixos-tests/eval/all-together.nix:8), but its type is integer between 1 and 20 (both inclusive): set it to such a value, or leave it out for the default 4"
    "`libs.bord` (nixos-tests/eval/all-together.nix:9) is not a room: did you mean `libs.board`?"
    "`choose.motor` (nixos-tests/eval/all-together.nix:10) is `lamp-red`, which does not provide it: it can be `servo`, `stepper`"
    "application `app` needs interface `lamb` (nixos-tests/eval/all-together.nix:4), which no room declares: did you mean `lamp`?"
    "dependency cycle: `hen-house` needs `egg` of `nest` (nixos-tests/eval/fixtures/pool/crates/hen-house/module.nix:4), `nest` needs `hen` of `hen-house` (nixos-tests/eval/fixtures/pool/crates/nest/module.nix:4): choose another provider for one of these, or take one out"
  ];
}
