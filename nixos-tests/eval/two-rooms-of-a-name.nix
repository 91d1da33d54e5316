# A room from outside has the name of one of the pool's.
{
  rooms = [ ./fixtures/again ];
  unikernel = {
    app.needs = [ "lamp" ];
    choose.lamp = "lamp-red";
  };
  problems = [
    "`lamp-red` names more than one package (nixos-tests/eval/fixtures/pool/crates/lamp-red, nixos-tests/eval/fixtures/again/lamp-red): rename one"
  ];
}
