{ mkRoom, ... }:
mkRoom ./. {
  summary = "wishes that the image ends";
  interface = {
    trait = "Shutdown";
    arity = "optional";
  };
}
