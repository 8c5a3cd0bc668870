// How requests to the provider are sent: by Node's own fetch, by the app's, or by undici where there are certificates.
import type { ProviderSetUp } from '../options/config.ts'
import type { ProviderFetch, ProviderRequest } from '../options/provider.ts'
import type { HttpAnswer, Send } from './bounded-fetch.ts'
import { type Connections, createRenewedSend, openConnections } from './connections.ts'
import { OwnFunctionError } from './failures.ts'

export function createSend(config: ProviderSetUp): Send {
  const { mutualTLS, provider } = config
  if (provider.fetch !== undefined) return createOwnSend(provider.fetch)
  if (typeof mutualTLS === 'function') return createRenewedSend(mutualTLS, config)
  const certificates = mutualTLS ?? { ca: provider.ca }
  if (mutualTLS === undefined && provider.ca === undefined) return (url, request) => fetch(url, request)
  let opening: Promise<Connections> | undefined
  return async (url, request) => {
    opening ??= openConnections(certificates)
    return (await opening).send(url, request)
  }
}

/** Whatever it does with the request: no redirect that it followed is taken, and what it throws is not told. */
function createOwnSend(own: ProviderFetch): Send {
  return async (url, request) => {
    const answer: Partial<HttpAnswer> | undefined = await ask(own, url, request)
    if (answer?.redirected) throw failed('it followed a redirect')
    if (!isAnswer(answer)) throw failed('it gave no Response')
    return answer
  }
}

async function ask(own: ProviderFetch, url: string, request: ProviderRequest): Promise<HttpAnswer> {
  try {
    return await own(url, request)
  } catch (error) {
    throw request.signal.aborted ? request.signal.reason : failed(codeOf(error))
  }
}

function isAnswer(answer: Partial<HttpAnswer> | undefined): answer is HttpAnswer {
  const { status, headers, body } = answer ?? {}
  const isBody = body === null || typeof body?.[Symbol.asyncIterator] === 'function'
  return typeof status === 'number' && typeof headers?.[Symbol.iterator] === 'function' && isBody
}

function failed(why: string): OwnFunctionError {
  return new OwnFunctionError(`provider.fetch failed (${why})`)
}

/** Of the network, as undici gives it: in `cause`. */
function codeOf(error: unknown): string {
  const { code, cause, name } = (error ?? {}) as {
    code?: unknown
    cause?: { code?: unknown }
    name?: unknown
  }
  const word = [cause?.code, code, name].find((one) => typeof one === 'string' && /^\w{1,40}$/.test(one))
  return word === undefined ? 'no code' : String(word)
}
