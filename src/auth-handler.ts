// What auth() returns.
import type { AuthEvents, EventOrigin } from './events/events.ts'
import type { AroundOperation } from './events/operations.ts'
import type { Finding } from './findings.ts'
import type { Health } from './health/health.ts'
import type { Middleware } from './http/middleware.ts'
import type { Sessions } from './session/sessions.ts'

/** What `auth()` returns: middleware, with a life of its own. */
export interface AuthHandler extends Middleware {
  /**
   * Resolves once the provider and the store have answered.
   * @throws TryLaterError
   * @throws ConfigurationError where the provider does not offer what the options ask for
   */
  ready(): Promise<void>
  /**
   * Whether this process can serve just now, for probes. It goes by what requests met; the store is asked at most every two
   * seconds, and the provider where nothing is known of it, and with a back-off while it is away. It answers within half a second,
   * and never rejects.
   *
   * @example
   * app.get('/healthz', async (req, res) => {
   *   res.json(await bff.health())
   * })
   */
  health(): Promise<Health>
  /**
   * Asks the provider and the store what can be asked without a person, and says what it found, with cures. For a page of
   * operators, or a command: it sends a dozen requests. Rejects never, and takes at most some twenty seconds. With `tenant`, the
   * provider of the tenant that is named is asked, or none.
   *
   * @example const failed = (await bff.check()).filter(({ status }) => status === 'failed')
   */
  check(of?: { readonly tenant?: string | undefined }): Promise<Finding[]>
  /**
   * Waits for what is in flight, then lets go of the store. Call it before the process ends.
   *
   * @example
   * process.on('SIGTERM', async () => {
   *   await bff.close()
   *   process.exit()
   * })
   */
  close(): Promise<void>
  /**
   * Tells of what happens to sessions; no event carries a token.
   *
   * @example bff.on('session-ended', ({ reason }) => console.log(`a session ended: ${reason}`))
   */
  on<Name extends keyof AuthEvents>(
    name: Name,
    listener: (event: AuthEvents[Name] & EventOrigin) => void,
  ): AuthHandler
  /**
   * Calls that function around logins, renewals and what `relay()` hands on, for traces or a context of the app's own.
   *
   * @example bff.around(async ({ name }, run) => console.log(name, (await run()).outcome))
   */
  around(hook: AroundOperation): AuthHandler
  /**
   * With `tenant`: has this process look the tenant up anew at its next request. Other processes do so when what they know is
   * `tenant.ageSeconds` old. Nobody is logged out by it.
   *
   * @example bff.forgetTenant('shop.example.com')
   * @throws ConfigurationError where there are no tenants
   */
  forgetTenant(key: string): void
  /** Everybody's sessions: to show a person theirs, and to end one or all of them. */
  readonly sessions: Sessions
}
