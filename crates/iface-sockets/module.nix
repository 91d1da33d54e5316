{ mkRoom, ... }:
mkRoom ./. {
  summary = "sockets as Linux has them";
  interface = {
    trait = "Sockets";
    arity = "one";
  };
}
