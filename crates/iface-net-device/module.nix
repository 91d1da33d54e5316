{ mkRoom, ... }:
mkRoom ./. {
  summary = "a card that moves Ethernet frames";
  interface = {
    trait = "NetDevice";
    arity = "one";
    exclusive = true;
  };
}
