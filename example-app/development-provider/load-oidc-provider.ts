// Loads oidc-provider, which is written for Node 22, on Node 20 as well.

interface URLWithParse {
  parse?: (url: string, base?: string) => URL | null
}

// Node 22 brought `URL.parse`; it is the one thing that oidc-provider 9 misses on Node 20.
const urlWithParse = URL as URLWithParse
urlWithParse.parse ??= (url, base) => (URL.canParse(url, base) ? new URL(url, base) : null)

export async function loadOidcProvider(): Promise<typeof import('oidc-provider')> {
  const warn = console.warn
  console.warn = (...message: unknown[]) => {
    if (!String(message[0]).includes('Unsupported runtime')) warn(...message)
  }
  try {
    return await import('oidc-provider')
  } finally {
    console.warn = warn
  }
}
