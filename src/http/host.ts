// The host that a request is for, port and all.
import type { Request } from 'express'

/** As Express has it: what a proxy says counts where the app trusts it (`trust proxy`), and the first of several proxies. */
export function hostOf(req: Request): string | undefined {
  const forwarded = req.get('x-forwarded-host')
  const { remoteAddress } = req.socket
  // Express 4 has it without the port.
  const isTrusted = forwarded !== undefined && trusts(req)(remoteAddress, 0)
  return isTrusted ? forwarded.split(',', 1)[0]?.trim() : req.headers.host
}

function trusts({ app }: Request): (address: string | undefined, hops: number) => boolean {
  return app.get('trust proxy fn')
}
