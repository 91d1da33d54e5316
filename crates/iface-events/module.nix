{ mkRoom, ... }:
mkRoom ./. {
  summary = "sources of events and waiting for them";
  interface = {
    trait = "Events";
    arity = "one";
  };
}
