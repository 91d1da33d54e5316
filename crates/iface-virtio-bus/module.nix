{ mkRoom, ... }:
mkRoom ./. {
  summary = "virtio devices over any transport";
  interface = {
    trait = "VirtioBus";
    arity = "one";
  };
}
