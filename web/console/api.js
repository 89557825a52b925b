// Calls of the API. What it refuses is a Refusal; that it cannot be reached is a ConnectionLost; that the token does not
// open it any more is a SignedOut.

import { recall } from './session.js'

const SECONDS = 35
// Of what was answered before it came to the checkout: an address that has no operation, too many requests, nobody there.
const CODES = { 404: 'order_not_found', 429: 'store_unavailable', 503: 'store_unavailable' }

export class Refusal extends Error {
  constructor(status, problem, retryAfter) {
    super(problem.code)
    this.status = status
    this.code = problem.code
    this.facts = problem
    this.retryAfter = retryAfter
  }
}

export class ConnectionLost extends Error {}
export class SignedOut extends Error {}

export async function ask(method, path, body, { key, signal } = {}) {
  const headers = { authorization: `Bearer ${recall('token') ?? ''}` }
  if (body !== undefined) headers['content-type'] = 'application/json'
  if (key) headers['idempotency-key'] = key
  const signals = [AbortSignal.timeout(SECONDS * 1000), signal].filter(Boolean)
  let response, text
  try {
    response = await fetch(path, { method, headers, body: body && JSON.stringify(body), signal: AbortSignal.any(signals), cache: 'no-store' })
    text = await response.text()
  } catch (error) {
    if (signal?.aborted) throw error
    throw new ConnectionLost()
  }
  const answer = readJson(text)
  const retryAfter = Number(response.headers.get('retry-after') ?? 0)
  if (response.ok) return { status: response.status, body: answer, retryAfter }
  // What has no code was answered before it came to the checkout.
  if ((response.status === 401 || response.status === 403) && !answer?.code) throw new SignedOut()
  throw new Refusal(response.status, answer?.code ? answer : { code: CODES[response.status] ?? 'internal_error' }, retryAfter)
}

// Reading: asked again, once, where the connection was lost or the checkout is busy.
export async function read(path, signal) {
  try {
    return (await ask('GET', path, undefined, { signal })).body
  } catch (error) {
    const isBusy = error.code === 'store_unavailable'
    if (!(isBusy || error instanceof ConnectionLost)) throw error
    await sleep(isBusy ? error.retryAfter || 1 : 0.3, signal)
    return (await ask('GET', path, undefined, { signal })).body
  }
}

// `asking` is called again, until the answer is one to keep, by what the refusals say: of a connection that is lost, a
// twin that is still running, a checkout that is busy. The key is the same, so it happens once. `tell` hears of it.
export async function insist(asking, { signal, tell = () => {} }) {
  for (let lost = 0; ;) {
    try {
      return await asking()
    } catch (error) {
      if (error instanceof ConnectionLost) {
        tell({ is: 'unconnected' })
        await connection(Math.min(++lost, 5), signal)
      } else if (error instanceof Refusal && ['idempotency_in_progress', 'store_unavailable'].includes(error.code)) {
        tell({ is: 'busy' })
        await sleep(error.retryAfter || 1, signal)
      } else {
        throw error
      }
    }
  }
}

export function sleep(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000)
    signal?.addEventListener('abort', () => { clearTimeout(timer); reject(signal.reason) }, { once: true })
  })
}

// When the browser says that there is one again, or after so many seconds.
async function connection(seconds, signal) {
  let comes
  const back = new Promise((resolve) => { comes = resolve; addEventListener('online', comes) })
  await Promise.race([back, sleep(seconds, signal)]).finally(() => removeEventListener('online', comes))
}

function readJson(text) {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
