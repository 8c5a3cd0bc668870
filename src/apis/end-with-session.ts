// What is open when its session ends is broken off: half an answer must not look like a whole one.
import type { Duplex } from 'node:stream'
import type { Response } from 'express'
import type { RequestContext } from '../session/request-context.ts'

export function endWithSession({ req, session, watch }: RequestContext, lasting: Duplex | Response): void {
  const { authId } = session.binding
  // Whoever left meanwhile is told of no end.
  if (authId === undefined || lasting.destroyed || req.socket.destroyed) return
  const forget = watch.add(authId, () => lasting.destroy())
  lasting.once('close', forget)
  // Behind another answer it has no connection of its own yet, and is told nothing of its end.
  if ('socket' in lasting && lasting.socket === null) req.socket.once('close', forget)
}
