// The app as a browser sees it that has no cookies yet: through every proxy and cache before it.
import type { AuthOptions } from '../index.ts'
import { type Found, found, type OutsideName } from './finding.ts'
import { type Answer, look } from './look.ts'

interface Expected {
  readonly baseURL: URL
  readonly clientID: string | undefined
  readonly paths: { readonly login: string | false; readonly callback: string; readonly user: string | false }
}

/** As `auth()` takes them, which has found them to be right. */
export function expectedOf(options: AuthOptions, at: URL): Expected {
  const { clientID, providers = {}, routes = {}, tenant } = options
  const { login = '/login', callback = '/callback', user = '/me' } = routes
  // Of several, the first.
  const [[name, first] = []] = Object.entries(providers)
  if (name !== undefined) {
    const path = login === false ? login : `${login}?provider=${name}`
    const paths = { login: path, callback: first?.routes?.callback ?? callback, user }
    return { baseURL: baseOf(options, at), clientID: first?.clientID, paths }
  }
  const ofOne = tenant === undefined ? process.env.CLIENT_ID : undefined
  return {
    baseURL: baseOf(options, at),
    clientID: clientID ?? ofOne,
    paths: { login, callback, user },
  }
}

/** Of several, the one that is looked at. A tenant's is known to `tenant.resolve()` alone. */
function baseOf({ baseURL, tenant }: AuthOptions, at: URL): URL {
  if (tenant !== undefined) return at
  const given = baseURL ?? process.env.BASE_URL?.split(',') ?? ''
  const all = [typeof given === 'object' && 'among' in given ? given.among : given].flat()
  const bases = all.map((one) => new URL(one.trim()))
  return bases.find((base) => bare(base) === bare(at)) ?? (bases[0] as URL)
}

const bare = ({ href }: URL) => href.replace(/\/$/, '')

export async function lookFromOutside(url: URL, expected: Expected): Promise<Found[]> {
  const base = bare(url)
  const { login, callback, user } = expected.paths
  const place = placeFinding(base, expected)
  const [begun, came, me] = await Promise.all([
    login === false ? undefined : look(base + login),
    look(`${base}${callback}?code=none&state=none`),
    user === false ? undefined : look(base + user),
  ])
  return [
    place,
    ...(begun === undefined ? [] : judged('url-login', begun, (answer) => loginFindings(answer, expected))),
    ...judged('url-callback', came, callbackFinding),
    ...(me === undefined ? [] : judged('url-me', me, meFinding)),
    ...(typeof came === 'string' || url.protocol !== 'https:' ? [] : [httpsFinding(came)]),
  ]
}

function judged(
  name: OutsideName,
  answer: Answer | string,
  judge: (answer: Answer) => Found | Found[],
): Found[] {
  return typeof answer === 'string' ? [found(name, 'failed', answer)] : [judge(answer)].flat()
}

function placeFinding(base: string, { baseURL }: Expected): Found {
  const wanted = bare(baseURL)
  if (base === wanted) return found('url', 'ok', `${base} is baseURL`)
  const what = `browsers are at ${base}, and baseURL (BASE_URL) is ${wanted}: a login's cookie is bound to the one, and the provider leads back to the other`
  return found('url', 'failed', what, 'change baseURL, or open the app there')
}

function loginFindings(answer: Answer, expected: Expected): Found[] {
  const { status, headers, body } = answer
  const location = headers.get('location') ?? ''
  const url = URL.canParse(location) ? new URL(location) : undefined
  if (status < 300 || status >= 400 || url === undefined) {
    const code = typeof body?.code === 'string' ? ` (${body.code.slice(0, 40)})` : ''
    const what = `it answered ${status}${code}, and a redirect to the provider was expected`
    const cure =
      code === ''
        ? 'see that the proxy hands this path to the app, whole, and that app.use(auth()) stands above what answers there'
        : 'docs/errors.md has what the code means'
    return [found('url-login', 'failed', what, cure)]
  }
  return [parametersFinding(url, expected), cookieFinding(headers.getSetCookie(), expected)]
}

function parametersFinding(url: URL, { baseURL, clientID, paths }: Expected): Found {
  const sent = url.searchParams
  const back = bare(baseURL) + paths.callback
  const others = [
    sent.has('redirect_uri') && sent.get('redirect_uri') !== back
      ? `the redirect URI ${sent.get('redirect_uri')}, and not ${back}`
      : '',
    clientID !== undefined && sent.has('client_id') && sent.get('client_id') !== clientID
      ? `the client ${sent.get('client_id')}, and not ${clientID}`
      : '',
  ].filter((fault) => fault !== '')
  if (others.length > 0)
    return found(
      'url-login',
      'failed',
      `it leads to ${url.origin} with ${others.join(' and ')}`,
      'the app there has another environment than this command: give both the same',
    )
  if (sent.has('client_id')) return found('url-login', 'ok', `it leads to the provider at ${url.origin}`)
  return found(
    'url-login',
    'failed',
    `it leads to ${url.origin}, and not to the provider`,
    'give --url as browsers end up there: https, and the host after every redirect',
  )
}

function cookieFinding(lines: readonly string[], { baseURL }: Expected): Found {
  const line = lines.find((one) => /^[^=;]*-login-\d=/.test(one))
  if (line === undefined)
    return found(
      'url-cookie',
      'failed',
      'no cookie of the login came with it',
      'see that nothing between takes Set-Cookie out of answers',
    )
  const [name = '', ...attributes] = line.split(/;\s*/)
  const has = (attribute: RegExp) => attributes.some((one) => attribute.test(one))
  const label = name.replace(/=.*/, '')
  const isPlain = baseURL.protocol === 'http:'
  const faults = [
    !has(/^httponly$/i) && 'HttpOnly is missing',
    !isPlain && !has(/^secure$/i) && 'Secure is missing',
    !has(/^samesite=(?:lax|none)$/i) && 'SameSite is neither Lax nor None',
    label.startsWith('__Host-') &&
      (has(/^domain=/i) || !has(/^path=\/$/i)) &&
      '__Host- wants Path=/ and no Domain, so browsers drop it',
  ].filter((fault) => fault !== false)
  return faults.length === 0
    ? found(
        'url-cookie',
        'ok',
        `${label} comes with ${attributes.filter((one) => !/^(?:expires|max-age)=/i.test(one)).join(', ')}`,
      )
    : found(
        'url-cookie',
        'failed',
        `${label}: ${faults.join(', ')}`,
        'see what a proxy changes in Set-Cookie, and that baseURL is https where browsers are',
      )
}

function callbackFinding({ status, body }: Answer): Found {
  if (status === 400 && body?.code === 'login_unknown')
    return found('url-callback', 'ok', 'a login that nobody began is refused there')
  const what = `it answered ${status}, and this package's own refusal (login_unknown) was expected`
  return found('url-callback', 'failed', what, 'see that the proxy hands this path to the app, whole')
}

function meFinding({ status, headers, body }: Answer): Found {
  if (status !== 200 || typeof body?.authenticated !== 'boolean')
    return found(
      'url-me',
      'failed',
      `it answered ${status}, and JSON that says who is logged in was expected`,
      'see that the proxy hands this path to the app, whole',
    )
  if (body.authenticated)
    return found(
      'url-me',
      'failed',
      'somebody is logged in there without a cookie',
      'a cache has kept what was theirs: see that it keeps no answer with no-store',
    )
  if (/\bno-store\b/.test(headers.get('cache-control') ?? '') && !headers.has('age'))
    return found('url-me', 'ok', 'it says that nobody is logged in, and no cache keeps it')
  return found(
    'url-me',
    'failed',
    'its answer may be kept, or was (Cache-Control, Age)',
    'see that every cache before the app leaves no-store as it is',
  )
}

function httpsFinding({ headers }: Answer): Found {
  if (headers.has('strict-transport-security')) return found('url-https', 'ok', 'browsers come by https only')
  return found(
    'url-https',
    'warning',
    'there is no Strict-Transport-Security: a first visit may go by http',
    'send it, as helmet() does',
  )
}
