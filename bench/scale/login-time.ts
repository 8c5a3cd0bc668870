// What a login costs at the app: the request that begins it and the callback, less the provider's part of it.
import { Browser } from '../../test/support/browser/browser.ts'
import { exchange } from '../../test/support/browser/http-exchange.ts'
import type { World } from './world.ts'

/** @returns how long one login takes the app, in milliseconds; the person is known to the provider already */
export type TimeLogIn = () => Promise<number>

export async function prepareLogIns(world: World): Promise<TimeLogIn> {
  const { baseURL, provider, user } = world
  const known = new Browser()
  await known.logIn(baseURL, { user })
  await known.clearCookies(baseURL)

  return async () => {
    const visitor = known.clone()
    const before = (await provider.tokenRequests(0)).length
    const began = performance.now()
    const asked = await exchange({ method: 'GET', url: `${baseURL}/login` })
    const askedFor = performance.now() - began
    for (const line of asked.headers['set-cookie'] ?? []) await visitor.setCookie(line, baseURL)
    const back = await comeBack(visitor, asked.headers.location ?? '', baseURL)
    const cookies = await visitor.cookies(baseURL)
    const cookie = cookies.map((each) => each.cookieString()).join('; ')
    const cameBack = performance.now()
    const answer = await exchange({ method: 'GET', url: back, headers: { cookie } })
    const calledBack = performance.now() - cameBack
    if (answer.status !== 302 && answer.status !== 303)
      throw new Error(`a login was answered ${answer.status}: ${answer.body}`)
    const [request] = await provider.tokenRequests(before)
    if (request?.endedAt === undefined) throw new Error('the provider saw no code of this login')
    return askedFor + calledBack - (request.endedAt - request.at)
  }
}

/** From the redirect to the provider to the provider's redirect back, which is not followed. */
async function comeBack(visitor: Browser, location: string, baseURL: string): Promise<string> {
  const stopAt = (url: URL) => url.origin === new URL(baseURL).origin
  const page = await visitor.finish(await visitor.navigate(location, { stopAt }), {}, stopAt)
  if (page.headers.location === undefined)
    throw new Error(`a login did not come back: ${page.status} ${page.body}`)
  return new URL(page.headers.location, page.url).href
}
