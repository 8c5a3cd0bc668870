// Takes nobody's word but the provider's: each request's access token is checked here (RFC 9068 §4).
import type { RequestHandler, Response } from 'express'
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { sendProblem } from '../problem.ts'

export const READ = 'accounts:read'
export const WRITE = 'accounts:write'

export interface AccessTokenRules {
  /** Whose tokens are taken. */
  issuer: string
  /** For whom they must be. */
  audience: string
}

interface Issuer {
  name: string
  keys: JWTVerifyGetKey
}

export function requireAccessToken({ issuer, audience }: AccessTokenRules): RequestHandler {
  let known: Promise<Issuer> | undefined

  return async function checkAccessToken(req, res, next) {
    const [, token] = /^Bearer (\S+)$/i.exec(req.headers.authorization ?? '') ?? []
    if (token === undefined) return refuse(res, 401, '', 'An access token is needed.')
    known ??= discover(issuer)
    known.catch(() => {
      known = undefined
    })
    const { name, keys } = await known
    const claims = await jwtVerify(token, keys, {
      issuer: name,
      audience,
      requiredClaims: ['exp', 'sub'],
    }).then(({ payload }) => payload, notATokenOfOurs)
    if (claims === undefined)
      return refuse(res, 401, 'invalid_token', 'This access token is not for this API.')
    const needed = req.method === 'GET' ? READ : WRITE
    if (!scopesOf(claims).includes(needed)) {
      return refuse(res, 403, 'insufficient_scope', `The access token lacks the scope ${needed}.`)
    }
    res.locals.sub = claims.sub
    next()
  }
}

async function discover(issuer: string): Promise<Issuer> {
  const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
  if (!response.ok) throw new Error(`${issuer} answered ${response.status}.`)
  const { issuer: name, jwks_uri: keys } = (await response.json()) as { issuer: string; jwks_uri: string }
  return { name, keys: createRemoteJWKSet(new URL(keys)) }
}

function notATokenOfOurs(error: unknown): undefined {
  // The keys could not be had: that says nothing of the token.
  if (!(error instanceof errors.JOSEError) || error instanceof errors.JWKSTimeout) throw error
}

function scopesOf({ scope }: JWTPayload): string[] {
  return typeof scope === 'string' ? scope.split(' ') : []
}

/** RFC 6750 §3. */
function refuse(res: Response, status: number, error: string, detail: string): void {
  res.set('WWW-Authenticate', error ? `Bearer error="${error}"` : 'Bearer')
  sendProblem(res, status, error || 'token_missing', detail)
}
