// What a browser sends and keeps, without what a person does: cookies, redirects, fetch metadata.
import { setMaxListeners } from 'node:events'
import { type Cookie, CookieJar } from 'tough-cookie'
import { isSafe, navigationHeaders, sameSiteContext, scriptHeaders } from './fetch-metadata.ts'
import {
  type Connections,
  exchange,
  type HeaderValues,
  keepConnections,
  type Received,
} from './http-exchange.ts'
import { type Hop, type Page, toPage } from './page.ts'
import { follow, redirect, refresh, type Step } from './redirects.ts'

export interface NavigateOptions {
  headers?: HeaderValues
  /** the page whose link or form this is; the current page unless told, `null` for the address bar */
  from?: string | null
  /** a redirect to an address that this accepts is not followed: the page is the redirect itself */
  stopAt?(url: URL): boolean
  signal?: AbortSignal
}

export interface RequestOptions {
  headers?: HeaderValues
  body?: string
  form?: Record<string, string>
  json?: unknown
  /** the page whose script asks; one of the same origin unless told */
  from?: string
  /** follow redirects; not unless told */
  follow?: boolean
  signal?: AbortSignal
}

const FORM_TYPE = 'application/x-www-form-urlencoded'

export class UserAgent {
  /** every answer from `http://localhost` (the apps; the provider is at 127.0.0.1), for the leak test */
  readonly received: Received[] = []
  /** the page that is open now */
  location: URL | undefined
  protected readonly jar: CookieJar
  #closing = createClosing()
  protected readonly secFetch: boolean

  /** `secFetch: false` is a client that knows nothing of fetch metadata. */
  constructor({ secFetch = true, jar = new CookieJar() }: { secFetch?: boolean; jar?: CookieJar } = {}) {
    this.secFetch = secFetch
    this.jar = jar
  }

  /** A top-level navigation, with all its redirects. */
  async navigate(url: string, options: NavigateOptions = {}): Promise<Page> {
    return this.#visit({ method: 'GET', url: new URL(url) }, options)
  }

  /** Submits a form by navigation, as if it stood on the current page. */
  async submit(url: string, fields: Record<string, string>, options: NavigateOptions = {}): Promise<Page> {
    return this.#visit({ method: 'POST', url: new URL(url), body: `${new URLSearchParams(fields)}` }, options)
  }

  /** A script's request. */
  async request(method: string, url: string, options: RequestOptions = {}): Promise<Page> {
    const from = new URL(options.from ?? url)
    const body =
      options.body ?? (options.form && `${new URLSearchParams(options.form)}`) ?? toJson(options.json)
    const type = options.form ? FORM_TYPE : options.json === undefined ? undefined : 'application/json'
    let step: Step = { method, url: new URL(url), body }
    const chain = [step.url]
    const hops: Hop[] = []
    for (;;) {
      const answer = await this.#send(step, sameSiteContext(from, step.url, false), options.signal, {
        ...scriptHeaders({ initiator: from, chain, method: step.method, secFetch: this.secFetch }),
        ...(step.body !== undefined && { 'content-type': type }),
        ...options.headers,
      })
      hops.push(answer)
      const next = options.follow ? redirect(step, answer) : undefined
      if (!next) return toPage(answer, hops)
      step = next
      follow(chain, step.url)
    }
  }

  async cookies(url: string): Promise<Cookie[]> {
    return this.jar.getCookies(url)
  }

  /** As a `Set-Cookie` line from that address would. */
  async setCookie(line: string, url: string): Promise<void> {
    await this.jar.setCookie(line, url)
  }

  /** All of them, or those of one address: without the provider's, somebody else can log in. */
  async clearCookies(url?: string): Promise<void> {
    if (url) await this.jar.store.removeCookies(new URL(url).hostname, null)
    else await this.jar.removeAllCookies()
  }

  /** Ends what is on its way. */
  close(): void {
    this.#closing.abort(new Error('the browser was closed'))
    this.#closing = createClosing()
  }

  async #visit(start: Step, options: NavigateOptions): Promise<Page> {
    const connections = keepConnections()
    try {
      return await this.#follow(start, options, connections)
    } finally {
      connections.close()
    }
  }

  async #follow(
    start: Step,
    { headers, from, stopAt, signal }: NavigateOptions,
    connections: Connections,
  ): Promise<Page> {
    const initiator = from === null ? undefined : from ? new URL(from) : this.location
    let step = start
    const chain = [step.url]
    const hops: Hop[] = []
    for (;;) {
      const context = sameSiteContext(initiator, step.url, isSafe(step.method))
      const sent = {
        ...navigationHeaders({ initiator, chain, method: step.method, secFetch: this.secFetch }),
        ...(!isSafe(step.method) && { 'content-type': FORM_TYPE }),
        ...headers,
      }
      const answer = await this.#send(step, context, signal, sent, connections)
      hops.push(answer)
      this.location = step.url
      const next = redirect(step, answer) ?? refresh(step, answer)
      if (!next || stopAt?.(next.url)) return toPage(answer, hops)
      step = next
      follow(chain, step.url)
    }
  }

  async #send(
    step: Step,
    context: 'strict' | 'lax' | 'none',
    signal: AbortSignal | undefined,
    headers: HeaderValues,
    connections?: Connections,
  ) {
    const url = step.url.href
    const cookie = await this.jar.getCookieString(url, { sameSiteContext: context })
    const { signal: closing } = this.#closing
    const answer = await exchange({
      method: step.method,
      url: url.replace(/#.*/, ''),
      headers: { ...(cookie && { cookie }), ...headers },
      body: step.body,
      ...(connections && { agent: connections.at(url) }),
      signal: signal ? AbortSignal.any([signal, closing]) : closing,
    })
    for (const line of answer.headers['set-cookie'] ?? []) {
      await this.jar.setCookie(line, url, { ignoreError: true })
    }
    // The code in the callback's address is what the browser brought, not what it was given.
    if (step.url.hostname === 'localhost') this.received.push({ ...answer, url: url.replace(/[?#].*/, '') })
    return answer
  }
}

/** Any number of requests may wait for it. */
function createClosing(): AbortController {
  const closing = new AbortController()
  setMaxListeners(0, closing.signal)
  return closing
}

function toJson(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value)
}
