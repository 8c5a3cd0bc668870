// HTTP to the provider, bounded in time and size; what a token answer held is kept in hand while it is being checked.
import { AsyncLocalStorage } from 'node:async_hooks'

/** Discovery, keys and token answers are some kB; more is no answer of a provider. */
const MOST_BYTES = 1_000_000
/** Statuses that have no body (Fetch §2.2.3): a Response must not be given one. */
const BODILESS = new Set([101, 204, 205, 304])

/** One conversation with the provider. */
export interface Exchange {
  /** Ends every request of the conversation. */
  readonly signal: AbortSignal | undefined
  /** The last answer to a POST, as it came. */
  answer: { readonly status: number; readonly headers: Headers; readonly body: string } | undefined
}

const exchanges = new AsyncLocalStorage<Exchange>()

export function inExchange<T>(exchange: Exchange, talk: () => Promise<T>): Promise<T> {
  return exchanges.run(exchange, talk)
}

interface FetchOptions {
  body?: ArrayBuffer | null | ReadableStream | string | Uint8Array | undefined | FormData | URLSearchParams
  headers: Record<string, string>
  method: string
  redirect: 'manual'
  signal?: AbortSignal | undefined
}

/** The `customFetch` of openid-client. No redirect is followed, and no request is sent a second time. */
export async function boundedFetch(url: string, options: FetchOptions): Promise<Response> {
  const exchange = exchanges.getStore()
  const signals = [options.signal, exchange?.signal].filter((signal) => signal !== undefined)
  const response = await fetch(url, { ...(options as RequestInit), signal: AbortSignal.any(signals) })
  const body = await readBounded(response)
  if (exchange !== undefined && options.method === 'POST') {
    exchange.answer = { status: response.status, headers: response.headers, body }
  }
  return new Response(BODILESS.has(response.status) ? null : body, {
    status: response.status,
    headers: response.headers,
  })
}

async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    // Leaving the loop cancels the stream.
    if (bytes > MOST_BYTES) throw new AnswerTooLargeError()
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

class AnswerTooLargeError extends Error {
  override readonly name = 'AnswerTooLargeError'
  readonly code = 'ANSWER_TOO_LARGE'
}
