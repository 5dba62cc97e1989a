// The registry: one line a noun. The provider's schema, its checks and the classes of ../sdk.ts follow from it.
