# The application's package has the name of a room.
{
  unikernel.app.crate = ./fixtures/named-as-room;
  problems = [
    "application `candle` (nixos-tests/eval/named-as-room.nix:3) has the name of a room: give its Cargo package another"
  ];
}
