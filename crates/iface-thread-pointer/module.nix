{ mkRoom, ... }:
mkRoom ./. {
  summary = "the processor's register for thread-local variables";
  interface = {
    trait = "ThreadPointer";
    arity = "one";
  };
}
