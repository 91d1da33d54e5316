{ mkRoom, ... }:
mkRoom ./. {
  summary = "signals between Xen domains";
  interface = {
    trait = "EventChannels";
    arity = "one";
  };
}
