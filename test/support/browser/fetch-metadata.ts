// What a browser says about where a request comes from: Sec-Fetch-Site, and which SameSite cookies go with it.

export type Site = 'none' | 'same-origin' | 'same-site' | 'cross-site'

/** The relation of the page that asked (undefined: the address bar) to all addresses of a redirect chain. */
function siteOf(initiator: URL | undefined, chain: readonly URL[]): Site {
  if (!initiator) return 'none'
  if (chain.every((url) => url.origin === initiator.origin)) return 'same-origin'
  return chain.every((url) => isSameSite(initiator, url)) ? 'same-site' : 'cross-site'
}

/** Ports do not count, for sites as for cookies. */
function isSameSite(one: URL, other: URL): boolean {
  return one.protocol === other.protocol && one.hostname === other.hostname
}

/** Lax cookies go with a cross-site navigation that is safe; with anything else cross-site only SameSite=None ones. */
export function sameSiteContext(
  initiator: URL | undefined,
  target: URL,
  safeNavigation: boolean,
): 'strict' | 'lax' | 'none' {
  if (!initiator || isSameSite(initiator, target)) return 'strict'
  return safeNavigation ? 'lax' : 'none'
}

interface Asked {
  initiator: URL | undefined
  chain: readonly URL[]
  method: string
  secFetch: boolean
}

export function navigationHeaders({ initiator, chain, method, secFetch }: Asked) {
  // Once a form has crossed origins on its way, the browser does not say any more where it stood.
  const crossed = new Set(chain.map((url) => url.origin)).size > 1
  return {
    accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    'accept-language': 'en-GB,en;q=0.9',
    'upgrade-insecure-requests': '1',
    ...(secFetch && {
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      'sec-fetch-user': '?1',
      'sec-fetch-site': siteOf(initiator, chain),
    }),
    ...(!isSafe(method) && { origin: crossed ? 'null' : (initiator?.origin ?? 'null') }),
  }
}

export function scriptHeaders({ initiator, chain, method, secFetch }: Asked) {
  const site = siteOf(initiator, chain)
  return {
    accept: '*/*',
    ...(secFetch && { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', 'sec-fetch-site': site }),
    ...((!isSafe(method) || site !== 'same-origin') && { origin: initiator?.origin }),
  }
}

export function isSafe(method: string): boolean {
  return ['GET', 'HEAD', 'OPTIONS'].includes(method)
}
