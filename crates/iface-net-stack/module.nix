{ mkRoom, ... }:
mkRoom ./. {
  summary = "TCP and UDP sockets";
  interface = {
    trait = "NetStack";
    arity = "one";
  };
}
