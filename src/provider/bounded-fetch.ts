// HTTP to the provider, bounded in time and size; what a token answer held is kept in hand while it is being checked.
import type { ProviderFetch, ProviderResponse } from '../options/provider.ts'
import { TOO_LARGE } from './network-words.ts'

/** Discovery, keys and token answers are some kB; more is no answer of a provider. */
const MOST_BYTES = 1_000_000
/** Statuses that have no body (Fetch §2.2.3): a Response must not be given one. */
const BODILESS = new Set([101, 204, 205, 304])

/** One conversation with the provider. */
export interface Exchange {
  /** Ends every request of the conversation; where there is none, each has its own deadline. */
  readonly signal: AbortSignal | undefined
  /** The last answer to a POST, as it came. */
  answer: { readonly status: number; readonly headers: Headers; readonly body: string } | undefined
  /** With the last POST: what of it comes back is not told. */
  sent?: Sent
}

export interface Sent {
  readonly url: string
  readonly form: URLSearchParams
  readonly authorization: string | undefined
}

/** Waits for work that is done for others too, no longer than `signal` allows; the work itself goes on. */
export async function waitUnlessAborted<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (signal === undefined) return work
  work.catch(() => undefined)
  let stop = () => {}
  const ended = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
  })
  return Promise.race([work, ended]).finally(() => signal.removeEventListener('abort', stop))
}

interface FetchOptions {
  body?: ArrayBuffer | null | ReadableStream | string | Uint8Array | undefined | FormData | URLSearchParams
  headers: Record<string, string>
  method: string
  redirect: 'manual'
  signal?: AbortSignal | undefined
}

export type HttpAnswer = ProviderResponse

/** What a `fetch` sends and gives back, whichever library's it is. */
export type Send = ProviderFetch

/** The `customFetch` of openid-client. No redirect is followed, and no request is sent a second time. */
export function createBoundedFetch(send: Send, exchange?: Exchange) {
  return async (url: string, options: FetchOptions): Promise<Response> => {
    const signals = [options.signal, exchange?.signal].filter((signal) => signal !== undefined)
    const signal = AbortSignal.any(signals)
    const { method, redirect, headers: sent } = options
    const form = options.body === undefined || options.body === null ? null : String(options.body)
    if (exchange !== undefined && method === 'POST')
      exchange.sent = { url, form: new URLSearchParams(form ?? ''), authorization: sent.authorization }
    const receive = async () => {
      const response = await send(url, { method, headers: sent, body: form, redirect, signal })
      return { response, body: await readBounded(response, signal) }
    }
    // A fetch that is not Node's may know of no signal.
    const { response, body } = await waitUnlessAborted(signal, receive())
    const { status } = response
    const headers = new Headers([...response.headers])
    if (exchange !== undefined && method === 'POST') exchange.answer = { status, headers, body }
    return new Response(BODILESS.has(status) ? null : body, { status, headers })
  }
}

async function readBounded(response: HttpAnswer, signal: AbortSignal): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    // Leaving the loop cancels the stream.
    signal.throwIfAborted()
    if (bytes > MOST_BYTES) throw new AnswerTooLargeError()
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

class AnswerTooLargeError extends Error {
  override readonly name = 'AnswerTooLargeError'
  readonly code = TOO_LARGE
}
