// What the provider was asked, kept without any secret: the test's ledger.
import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

export type Endpoint =
  | 'token'
  | 'jwks'
  | 'discovery'
  | 'revocation'
  | 'authorization'
  | 'end_session'
  | 'userinfo'
  | 'introspection'
  | 'pushed_request'
  | 'other'

export interface SeenRequest {
  endpoint: Endpoint
  method: string
  path: string
  /** when it arrived whole, epoch milliseconds */
  at: number
  /** when the answer was sent, or the connection was gone; undefined while the request is on its way */
  endedAt: number | undefined
  /** undefined while on its way, and for ever if no answer was sent */
  status: number | undefined
  grantType?: string
  clientId?: string
  /** sha256 of the refresh token presented for renewal */
  refreshTokenHash?: string
  /** sha256 of the token presented for revocation or introspection */
  tokenHash?: string
  /** which process asks, where it says so in a header `x-via` */
  via?: string
  /** query and form, without secrets */
  params: Record<string, string>
  /** how the client said who it is */
  authorization: 'none' | 'basic' | 'post' | 'assertion' | 'bearer' | 'other'
  /** the client assertion, unchecked and without its signature */
  assertion?: Unsigned
  /** thumbprint of the certificate that the client showed */
  certificate?: string
}

export interface Unsigned {
  header: Record<string, unknown>
  claims: Record<string, unknown>
}

const SECRET_PARAMS = [
  'client_secret',
  'refresh_token',
  'code',
  'code_verifier',
  'token',
  'id_token_hint',
  'client_assertion',
]

const PATHS: Record<string, Endpoint> = {
  '/token': 'token',
  '/jwks': 'jwks',
  '/.well-known/openid-configuration': 'discovery',
  '/.well-known/oauth-authorization-server': 'discovery',
  '/token/revocation': 'revocation',
  '/token/introspection': 'introspection',
  '/auth': 'authorization',
  '/request': 'pushed_request',
  '/session/end': 'end_session',
  '/me': 'userinfo',
}

export interface RawRequest {
  method: string
  url: string
  headers: IncomingHttpHeaders
  body: Buffer
}

export function seeRequest({ method, url, headers, body }: RawRequest): SeenRequest {
  const { pathname, searchParams } = new URL(url, 'http://provider')
  const isForm = headers['content-type']?.startsWith('application/x-www-form-urlencoded')
  const form = new URLSearchParams(isForm ? body.toString() : '')
  const refreshToken = form.get('refresh_token')
  const token = form.get('token')
  const assertion = form.get('client_assertion')
  const certificate = headers['x-client-certificate']
  const params = Object.fromEntries(
    [...searchParams, ...form].filter(([name]) => !SECRET_PARAMS.includes(name)),
  )
  const clientId = params.client_id ?? basicUser(headers.authorization)
  return {
    endpoint: PATHS[pathname] ?? 'other',
    method,
    path: pathname,
    at: Date.now(),
    endedAt: undefined,
    status: undefined,
    ...(params.grant_type && { grantType: params.grant_type }),
    ...(clientId && { clientId }),
    ...(refreshToken && { refreshTokenHash: sha256(refreshToken) }),
    ...(token && { tokenHash: sha256(token) }),
    ...(typeof headers['x-via'] === 'string' && { via: headers['x-via'] }),
    ...(assertion && { assertion: unsigned(assertion) }),
    ...(typeof certificate === 'string' && certificate !== '' && { certificate: thumbprint(certificate) }),
    params,
    authorization: authorizationKind(headers.authorization, form),
  }
}

/** `x5t#S256` (RFC 8705 §3.1) of a certificate in base64. */
export function thumbprint(certificate: string): string {
  return createHash('sha256').update(Buffer.from(certificate, 'base64')).digest('base64url')
}

/** A JWT without its signature. */
export function unsigned(jwt: string): Unsigned {
  const [header = {}, claims = {}] = jwt
    .split('.', 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
  return { header, claims }
}

export function sha256(value: string): string {
  return createHash('sha256').update(value).digest('hex')
}

function authorizationKind(header: string | undefined, form: URLSearchParams): SeenRequest['authorization'] {
  if (!header && form.has('client_assertion')) return 'assertion'
  if (!header) return form.has('client_secret') ? 'post' : 'none'
  const scheme = header.split(' ')[0]?.toLowerCase()
  return scheme === 'basic' || scheme === 'bearer' ? scheme : 'other'
}

function basicUser(header: string | undefined): string | undefined {
  const [scheme, value] = header?.split(' ') ?? []
  if (scheme?.toLowerCase() !== 'basic' || !value) return undefined
  const [id = ''] = Buffer.from(value, 'base64').toString().split(':')
  return new URLSearchParams(`id=${id}`).get('id') ?? undefined
}
