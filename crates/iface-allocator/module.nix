{ mkRoom, ... }:
mkRoom ./. {
  summary = "the image's global memory allocator";
  interface = {
    trait = "Allocator";
    arity = "one";
    # A static of the image: the provider's `Provider` type, made by its `const fn new(&'static Config)`.
    static = "#[global_allocator]";
    default = "alloc-talc";
  };
}
