// Preloaded into an app process: what it asks the provider says which process asked, for the provider's ledger.
const { fetch: send } = globalThis

/** @param {string | URL | Request} url @param {RequestInit} [options] */
function sendVia(url, options) {
  const headers = new Headers(options?.headers)
  headers.set('x-via', process.env.VIA ?? '')
  return send(url, { ...options, headers })
}

Object.assign(globalThis, { fetch: sendVia })

export {}
