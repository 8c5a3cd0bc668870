// oidc-provider without its development notices: the environment's in jest, its own elsewhere.
declare global {
  /** The environment's: warm from file to file, where each file would compile its three hundred modules anew. */
  var oidcProvider: typeof import('./oidc-provider.mjs') | undefined
}

export const { createOidcProvider, errors, here, interactionPolicy } =
  globalThis.oidcProvider ?? (await import('./oidc-provider.mjs'))
