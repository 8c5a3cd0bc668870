// Requests that show a client certificate (RFC 8705): by undici, which is loaded only where there is one.
import type { MutualTLS } from '../options/config.ts'
import type { Send } from './bounded-fetch.ts'

export function createMutualTLSSend(certificate: MutualTLS): Send {
  let loading: Promise<Send> | undefined
  return async (url, init) => {
    loading ??= load(certificate)
    return (await loading)(url, init)
  }
}

async function load({ cert, key, ca }: MutualTLS): Promise<Send> {
  // Both of them from here: Node's own fetch takes no Agent of another version of undici.
  const { Agent, fetch } = await import('undici')
  const dispatcher = new Agent({ connect: { cert, key, ...(ca !== undefined && { ca }) } })
  return (url, init) => fetch(url, { ...init, dispatcher } as Parameters<typeof fetch>[1])
}
