{ mkRoom, ... }:
mkRoom ./. {
  summary = "memory shared with devices, and device registers";
  interface = {
    trait = "Dma";
    arity = "one";
  };
}
