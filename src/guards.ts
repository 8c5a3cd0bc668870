// Middleware for routes that need a login, or a fresh one.
import type { NextFunction, Request, Response } from 'express'
import { ConfigurationError, isAuthError, LoginRequiredError, RefusedError } from './errors/errors.ts'
import { answerError } from './http/answer-error.ts'
import { asMiddleware, type Middleware } from './http/middleware.ts'
import { asError } from './lib/as-error.ts'
import type { Config } from './options/config.ts'
import type { AuthRecord } from './record/auth-record.ts'
import type { User } from './record/person.ts'
import { readStepUp, type StepUp, stepUpFault } from './record/step-up.ts'
import { userOf } from './record/user.ts'
import type { CurrentSession } from './session/current-session.ts'
import { contextOf } from './session/request-context.ts'
import { type ProviderWish, readProviders, requireProvider } from './session/required-provider.ts'
import { stubbedUser } from './session/stubbed-oidc.ts'

/**
 * Lets through who is logged in. Others are sent to log in (a page) or answered 401 (anything else); 503 while the
 * session cannot be known.
 *
 * @param options of several providers, which
 * @example app.get('/profile', requireAuth(), (req, res) => res.json(req.oidc.user))
 * @example app.get('/admin', requireAuth({ provider: 'staff' }), handler)
 */
export function requireAuth(options: ProviderWish = {}): Middleware {
  return guard('requireAuth', options, (session) => session.require())
}

export interface RequireFreshOptions extends ProviderWish {
  /** The ID token's renewal may have begun so long before this request, in seconds. @defaultValue `0` */
  maxAgeSeconds?: number | undefined
}

/**
 * Lets through who is logged in with an ID token that was renewed for this request, or at most `maxAgeSeconds` ago:
 * the provider was asked whether the account is still good. Requests at the same time share one renewal. 503 while the
 * provider cannot be asked.
 *
 * @param options how long ago is recent enough
 * @example app.post('/transfer', requireFresh(), handler)
 * @example app.get('/balance', requireFresh({ maxAgeSeconds: 60 }), handler)
 */
export function requireFresh(options: RequireFreshOptions = {}): Middleware {
  const { maxAgeSeconds = 0 } = options
  if (typeof maxAgeSeconds !== 'number' || !(maxAgeSeconds >= 0)) {
    throw new ConfigurationError(
      'invalid_option',
      'requireFresh(): maxAgeSeconds must be a number of seconds, 0 or more',
    )
  }
  return guard('requireFresh', options, async (session) => {
    await session.reload()
    return session.renewedSince(session.readAt - maxAgeSeconds * 1000, 'require-fresh')
  })
}

/** From the callback to the page. */
const JUST_BACK_MILLISECONDS = 10_000

/** With both times and ways, both are needed. */
export interface RequireStepUpOptions extends ProviderWish {
  /** The person authenticated at most so long ago, in whole seconds, 1 or more. */
  maxAgeSeconds?: number | undefined
  /** Ways to authenticate (`acr` values of your provider) of which one is enough. */
  acr?: string | readonly string[] | undefined
}

/**
 * Lets through whose own authentication was recent enough, strong enough, or both. Others are sent to the provider to
 * authenticate again and come back (a page), or get 401 with RFC 9470's challenge and a `login_url` (anything else). A
 * renewal of tokens never counts: nobody was asked anything by it.
 *
 * @param options how recent, how strong, or both
 * @example app.post('/password', requireStepUp({ maxAgeSeconds: 300, acr: ['mfa'] }), handler)
 */
export function requireStepUp(options: RequireStepUpOptions = {}): Middleware {
  const { maxAgeSeconds, acr } = options
  const stepUp = readStepUp(maxAgeSeconds, acr === undefined ? [] : [acr].flat())
  if (stepUp === undefined) {
    throw new ConfigurationError(
      'invalid_option',
      'requireStepUp(): give maxAgeSeconds (a whole number, 1 or more), acr (one or several of the values that your provider puts into ID tokens, without spaces or quotes), or both',
    )
  }
  return guard('requireStepUp', { ...options, stepUp }, async (session, { clockToleranceSeconds }) => {
    await session.reload()
    const record = requireFor(session, stepUp)
    // Who has just come back is not sent again, however short the time: one round at most.
    const justBack = session.now - record.createdAt < JUST_BACK_MILLISECONDS
    const now = justBack ? record.createdAt : session.now
    if (stepUpFault(record, stepUp, now, clockToleranceSeconds) === undefined) return
    throw new LoginRequiredError('step_up_required', 'Confirm your identity to continue.', stepUp)
  })
}

/** Who has to log in anyway is asked for all of it at once. */
function requireFor(session: CurrentSession, stepUp: StepUp): AuthRecord {
  try {
    return session.require()
  } catch (error) {
    if (!(error instanceof LoginRequiredError)) throw error
    throw new LoginRequiredError(error.code, error.message, stepUp)
  }
}

type ClaimValue = string | number | boolean

/** Decides on a claim of a logged-in person; only `true` lets them through. */
export type ClaimCheck = (value: unknown, user: User) => boolean | Promise<boolean>

/**
 * Lets through who is logged in and whose `claim` is `expected`: the value itself, one of a list, or what a function says
 * yes to. A claim that is a list has to contain such a value. Others get 403; who is not logged in, as by `requireAuth()`.
 *
 * @example app.get('/admin', requireClaim('roles', ['admin', 'owner']), handler)
 * @example app.get('/adults', requireClaim('age', (age) => Number(age) >= 18), handler)
 */
export function requireClaim(
  claim: string,
  expected: ClaimValue | readonly ClaimValue[] | ClaimCheck,
  options: ProviderWish = {},
): Middleware {
  const check = claimCheck(claim, expected)
  const requireOf = async (user: User, claims: object): Promise<void> => {
    const value = Object.hasOwn(claims, claim) ? (claims as Record<string, unknown>)[claim] : undefined
    if ((await check(value, user)) === true) return
    throw new RefusedError('claim_required', 403, 'You may not do this.')
  }
  const requireOfSession = (session: CurrentSession): Promise<void> => {
    const record = session.require()
    const user = userOf(record)
    // The protocol's own claims too: `acr`, `amr`, `sid`.
    return requireOf(user, { ...record.claims, ...user })
  }
  return guard('requireClaim', options, requireOfSession, (user) => requireOf(user, user))
}

function claimCheck(claim: unknown, expected: unknown): ClaimCheck {
  const values: unknown[] = [expected].flat()
  const known = values.length > 0 && values.every((value) => /^(?:string|number|boolean)$/.test(typeof value))
  if (typeof claim !== 'string' || claim === '' || !(typeof expected === 'function' || known)) {
    throw new ConfigurationError(
      'invalid_option',
      'requireClaim(): give the name of a claim, and its value, a list of values, or a function (value, user) => boolean',
    )
  }
  if (typeof expected === 'function') return expected as ClaimCheck
  return (value) => [value].flat().some((one) => values.includes(one))
}

/**
 * @param wish of whom it lets nobody through that has not this; `stepUp` is asked of them at once
 * @param checkStub what else is asked of somebody whom an app's own tests made up
 */
function guard(
  name: string,
  wish: ProviderWish & { readonly stepUp?: StepUp },
  check: (session: CurrentSession, config: Config) => unknown,
  checkStub: (user: User) => unknown = () => undefined,
): Middleware {
  const providers = readProviders(name, wish)
  const handler = async (req: Request, res: Response, next: NextFunction): Promise<void> => {
    try {
      const context = contextOf(req)
      try {
        if (providers !== undefined) requireProvider(context, providers, name, wish.stepUp)
        const checking = check(context.session, context.config)
        // Awaiting what is there already would put off the request for nothing.
        if (checking instanceof Promise) await checking
      } catch (error) {
        if (!isAuthError(error) || error instanceof ConfigurationError) throw error
        await answerError({ req, res, next }, error, context.config)
        return
      }
    } catch (error) {
      await passStub(req, error, checkStub, providers).then(() => next(), next)
      return
    }
    next()
  }
  return Object.defineProperty(asMiddleware(handler), 'name', { value: name })
}

/** @throws the error as it was, where no app's test stands behind it */
async function passStub(
  req: Request,
  error: unknown,
  check: (user: User) => unknown,
  providers: readonly string[] | undefined,
): Promise<void> {
  const user = stubbedUser(req, error, providers)
  if (user === undefined) throw asError(error)
  await check(user)
}
