// A browser with somebody in front of it: logs in and out at the provider by its forms, opens tabs.
import { CookieJar } from 'tough-cookie'
import { findForm } from './html-form.ts'
import type { HeaderValues } from './http-exchange.ts'
import type { Page } from './page.ts'
import { type NavigateOptions, UserAgent } from './user-agent.ts'

export type { Page } from './page.ts'
export type { NavigateOptions, RequestOptions } from './user-agent.ts'

export interface LogInOptions {
  user?: string
  /** where to come back to: `?return_to=` of the login route */
  returnTo?: string
  /** `/login`, or any guarded page */
  path?: string
  headers?: HeaderValues
}

export class Browser extends UserAgent {
  /** Logs in at the provider, by its forms, and comes back; the page is the one the app shows in the end. */
  async logIn(appUrl: string, options: LogInOptions = {}): Promise<Page> {
    const page = await this.navigate(loginUrl(appUrl, options), { headers: options.headers ?? {} })
    return this.finish(page, options)
  }

  /** Like logIn, but stops at the provider's redirect back: the callback URL, not visited yet. */
  async startLogin(appUrl: string, options: LogInOptions = {}): Promise<string> {
    const { origin } = new URL(appUrl)
    let left = false
    const stopAt = (url: URL) => {
      left ||= url.origin !== origin
      return left && url.origin === origin
    }
    const page = await this.navigate(loginUrl(appUrl, options), { headers: options.headers ?? {}, stopAt })
    const back = await this.finish(page, options, stopAt)
    if (!back.headers.location)
      throw new Error(`login did not come back: ${back.status} at ${back.url}\n${back.body}`)
    return new URL(back.headers.location, back.url).href
  }

  /** Fills in the provider's forms (log in, consent, log out) until there are none; `page` is the first of them. */
  async finish(
    page: Page,
    { user = 'alice' }: LogInOptions = {},
    stopAt?: NavigateOptions['stopAt'],
  ): Promise<Page> {
    let current = page
    for (let forms = 0; forms < 5; forms += 1) {
      const form = current.status === 200 ? findForm(current.body, current.url) : undefined
      if (form?.method !== 'POST' || new URL(current.url).hostname === 'localhost') return current
      const fields = 'login' in form.fields ? { ...form.fields, login: user, password: 'any' } : form.fields
      current = await this.submit(form.action, fields, stopAt ? { stopAt } : {})
    }
    throw new Error(`the provider keeps asking, last at ${current.url}`)
  }

  /** Logs out by a form on the app's page, confirms at the provider, and comes back. */
  async logOut(appUrl: string, path = '/logout'): Promise<Page> {
    return this.finish(await this.submit(new URL(path, appUrl).href, {}, { from: appUrl }))
  }

  /** Another browser with a copy of the cookies. */
  clone(): Browser {
    return this.#sibling(this.jar.cloneSync() ?? new CookieJar())
  }

  /** Another tab: the same cookies, a page of its own. */
  tab(): Browser {
    return this.#sibling(this.jar)
  }

  #sibling(jar: CookieJar): Browser {
    const other = new Browser({ secFetch: this.secFetch, jar })
    other.location = this.location
    return other
  }
}

function loginUrl(appUrl: string, { returnTo, path = '/login' }: LogInOptions): string {
  const url = new URL(path, appUrl)
  if (returnTo !== undefined) url.searchParams.set('return_to', returnTo)
  return url.href
}
