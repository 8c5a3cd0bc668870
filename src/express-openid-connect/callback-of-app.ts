// `routes: { callback: false }`: the app answers the path of the callback, and has the login completed when it wants.
import type { NextFunction, Request, Response } from 'express'
import type { Middleware, ResponseOidc } from '../index.ts'
import type { CallbackOptions } from './arguments.ts'
import type { LayerConfig } from './config-params.ts'
import { argumentError } from './inside.ts'

/** Until then there is no session on the request: the provider's answer may come from another site's page. */
export function leaveToApp(
  own: Middleware,
  config: LayerConfig,
  { req, res, next }: { readonly req: Request; readonly res: Response; readonly next: NextFunction },
): void {
  const { url, baseUrl } = req
  const complete = async (options: CallbackOptions = {}) => {
    try {
      check(options, config)
    } catch (error) {
      return next(error)
    }
    // As it was above, where an error goes on: the router of the app's route may have taken a part of it off.
    Object.assign(req, { url, baseUrl })
    await own(req, res, next)
  }
  res.oidc = { callback: complete } as ResponseOidc
  next()
}

function check(
  { redirectUri = '', tokenEndpointParams = {} }: CallbackOptions,
  { redirectURI }: LayerConfig,
): void {
  if (redirectUri !== '' && redirectUri !== redirectURI)
    throw argumentError(
      'res.oidc.callback()',
      'redirectUri',
      `must be authorizationParams.redirect_uri, ${redirectURI}`,
    )
  if (Object.keys(tokenEndpointParams).length > 0)
    throw argumentError(
      'res.oidc.callback()',
      'tokenEndpointParams',
      'cannot be had: the code is exchanged by the parameters of the standard',
    )
}
