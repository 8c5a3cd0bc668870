// What every server of the bench is: a plain process that is told its settings, and can be measured.
import { createServer } from 'node:http'
import { answerCalls } from '../calls.mjs'

/**
 * @typedef {object} Settings
 * @property {string} baseURL
 * @property {string} redisUrl
 * @property {string} issuer
 * @property {string} clientId
 * @property {string} clientSecret
 * @property {string} secret
 * @property {Record<string, unknown>} options what only this server understands
 */

let served = 0

/**
 * @param {(settings: Settings) => import('node:http').RequestListener | Promise<import('node:http').RequestListener>} build
 * @param {Record<string, (given: any) => unknown>} more what else the bench may call
 */
export function serve(build, more = {}) {
  const server = createServer()
  // wrk keeps its connections; a server that closed one would be measured as an error.
  server.keepAliveTimeout = 0

  const calls = {
    async build(/** @type {Settings} */ settings) {
      server.on('request', await build(settings))
    },
    usage() {
      const { user, system } = process.cpuUsage()
      return { rss: process.memoryUsage.rss(), cpuMicroseconds: user + system, served }
    },
    ...more,
  }
  server.listen(0, 'localhost', 4096, () => answerCalls(calls, server.address().port))
}

/** What every server answers: a small JSON that names the person. */
export function answerOf({ sub, name }) {
  served += 1
  return { sub, name, balance: 1234.5, currency: 'EUR', open: true }
}
