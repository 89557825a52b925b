// Paying: one payment of an order, from the click to the end, over lost connections, reloads and other tabs (FR-406, FR-407).

import { ask, insist, read, Refusal, sleep } from './api.js'
import { forget, keyFor, recall, remark, wish } from './session.js'

// What a payment is in while it may still become the order's, or is on its way back.
const OPEN = ['pending', 'unknown', 'succeeded', 'refunding']

const intent = (orderId) => `pay:${orderId}`

// The card that an order was to be paid with, where this tab does not know that it has ended.
export const cardUnderWay = (orderId) => wish(intent(orderId))?.token ?? null

// The customer has gone elsewhere meanwhile: nothing is begun any more that had not been.
export const leave = (orderId) => remark(intent(orderId), { isLeft: true })

// Of each payment that a trail tells of, what it says last.
const lastOf = (entries) => new Map(entries.filter(({ event, facts }) => facts.payment_id && !event.startsWith('order_')).map(({ to, facts }) => [facts.payment_id, to]))

// The payment that a trail tells of last.
export const lastPayment = (entries) => [...lastOf(entries).keys()].at(-1)

// Whether a payment of the order is open, by its trail.
export const isBeingPaid = (order, entries) => order.status === 'created' && [...lastOf(entries).values()].some((status) => OPEN.includes(status))

// Whether what this tab has begun to pay goes on: so the trail says; or it says nothing yet, and the customer has not gone
// elsewhere. What has ended is wished for no more.
export async function isUnderWay(order, signal) {
  if (order.status !== 'created' || cardUnderWay(order.id) === null) return false
  const { entries } = await read(`/orders/${encodeURIComponent(order.id)}/audit`, signal)
  if (isBeingPaid(order, entries)) return true
  const { transaction_id, isLeft } = recall(intent(order.id))
  const hasEnded = lastOf(entries).has(transaction_id)
  if (hasEnded) forget(intent(order.id))
  return !(hasEnded || isLeft)
}

// The same of a refund: how much, and why.
export const refundUnderWay = (orderId) => wish(`refund:${orderId}`)

// Makes a new order of the basket's lines, once for the same lines.
export async function placeOrder(lines, { signal, tell } = {}) {
  const items = lines.map(({ product_id, quantity, unit_price }) => ({ product_id, quantity, unit_price }))
  const body = { items, currency: lines[0].currency }
  const key = keyFor('order', body)
  return ending('order', async () => (await insist(() => ask('POST', '/orders', body, { key, signal }), { signal, tell })).body)
}

// Pays an order, and returns it paid; `tell` hears what happens meanwhile, as `{is: 'sending'}` and the like. Called again
// for the same order and card it takes part in the same payment. Raises Refusal.
export async function payOrder(order, token, { signal, tell }) {
  const body = { order_id: order.id, token, amount: order.total_amount, currency: order.currency }
  const key = keyFor(intent(order.id), body)
  remark(intent(order.id), { isLeft: false })
  return ending(intent(order.id), () => goOn(order, body, key, { signal, tell }))
}

// Gives money back, all or a part of it, once for the same amount and reason until that has ended.
export async function refundOrder(order, wanted, { signal, tell }) {
  const name = `refund:${order.id}`
  const key = keyFor(name, wanted)
  return ending(name, async () => {
    for (;;) {
      const answer = await insist(() => ask('POST', `/orders/${order.id}/refunds`, wanted, { key, signal }), { signal, tell })
      if (answer.status === 201) return answer.body
      tell({ is: 'unsettled' })
      await sleep(answer.retryAfter || 2, signal)
    }
  })
}

// A key is kept until its outcome is known: a refusal is one, a fault is none.
async function ending(name, work) {
  try {
    const result = await work()
    forget(name)
    return result
  } catch (error) {
    if (error instanceof Refusal && error.code !== 'internal_error') forget(name)
    throw error
  }
}

async function goOn(order, body, key, options) {
  const { signal, tell } = options
  tell({ is: 'sending' })
  for (;;) {
    try {
      const answer = await insist(() => ask('POST', '/pay', body, { key, signal }), options)
      if (answer.status === 201) return await link(order.id, answer.body.transaction_id, options)
      remark(intent(order.id), { transaction_id: answer.body.transaction_id })
      tell({ is: answer.body.next_action ? 'customer' : 'unsettled', transaction_id: answer.body.transaction_id })
      await sleep(answer.retryAfter || 2, signal)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      if (error.code === 'payment_already_succeeded') return link(order.id, error.facts.transaction_id, options)
      if (error.code === 'order_not_payable' && error.facts.current_status !== 'cancelled') return await see(order.id, options)
      if (error.code !== 'payment_in_progress') throw error
      // Another tab's, or another device's.
      tell({ is: 'elsewhere', transaction_id: error.facts.transaction_id })
      await sleep(error.retryAfter || 1, signal)
    }
  }
}

// The card is charged; now the order is told. That again is the same again.
async function link(orderId, transaction_id, options) {
  options.tell({ is: 'linking' })
  const { signal } = options
  return (await insist(() => ask('PATCH', `/orders/${orderId}/pay`, { transaction_id }, { signal }), options)).body
}

const see = (orderId, options) => insist(() => read(`/orders/${orderId}`, options.signal), options)
