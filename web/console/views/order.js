// One order: what it is, what can be done with it, and its trail, checked in this browser.

import { ask, insist, read, SignedOut, sleep } from '../api.js'
import { canCheck, check } from '../audit.js'
import { h, speak } from '../dom.js'
import { money, plainMoney, plural, readMoney, STATUSES, time } from '../format.js'
import { action, icon, ICONS, itemList, note, pill } from '../parts.js'
import { isBeingPaid, lastPayment, refundOrder, refundUnderWay } from '../payment.js'
import { reason } from '../refusals.js'

const EVENTS = {
  order_created: 'Ordered',
  order_paid: 'Order paid',
  order_cancelled: 'Order cancelled',
  order_fulfilled: 'Order sent',
  order_refunded: 'Order refunded',
  payment_started: 'Payment started',
  payment_succeeded: 'Card charged',
  payment_failed: 'Payment failed',
  payment_unknown: 'Bank did not answer',
  payment_refunded: 'Payment refunded',
  refund_started: 'Refund started',
  refund_succeeded: 'Money returned',
  refund_failed: 'Refund failed',
}
const LONGEST_PAUSE = 10
const ACTORS = { customer: 'Customer', staff: 'Staff', system: 'Checkout' }

export async function showOrder({ place, id, signal, who }) {
  const path = `/orders/${encodeURIComponent(id)}`
  const look = async () => {
    const [order, { entries }] = await Promise.all([read(path, signal), read(`${path}/audit`, signal)])
    return { order, entries, isBeingPaid: isBeingPaid(order, entries), isOwn: !who.isStaff || (await isAmongOwn(order, signal)) }
  }
  const paint = async (found, isSettledNow = false) => {
    const faults = canCheck() ? await check(found.order.id, found.entries) : null
    // Where one was, and what one had opened, is there again.
    const opened = [...place.querySelectorAll('details')].map(({ open }) => open)
    const hadFocus = place.contains(document.activeElement)
    const focused = [...place.querySelectorAll('summary')].indexOf(document.activeElement)
    const height = place.querySelector('.what-now')?.getBoundingClientRect().height
    place.replaceChildren(...draw(found, faults, { path, signal, repaint, who, isSettledNow }))
    // What is below stays where it is when what was waited for comes by itself.
    if (isSettledNow) place.querySelector('.what-now').style.minHeight = `${height}px`
    for (const [at, details] of place.querySelectorAll('details').entries()) details.open = opened[at] ?? false
    if (hadFocus) (place.querySelectorAll('summary')[focused] ?? place.querySelector('h1')).focus({ preventScroll: true })
  }
  // Once more, where something was done.
  const repaint = async (said) => {
    await paint(await look())
    place.querySelector('h1')?.focus({ preventScroll: true })
    speak(said)
  }
  const found = await look()
  await paint(found)
  watch(found, look, paint, signal).catch((error) => {
    if (error instanceof SignedOut) dispatchEvent(new CustomEvent('signed-out'))
    else if (!signal.aborted) place.append(note(error))
  })
}

// Staff see every order, and pay and cancel their own alone. An order does not tell whose it is; their own list does.
async function isAmongOwn({ id, status }, signal) {
  if (status !== 'created') return false
  const { orders } = await read('/orders?status=created&limit=100', signal)
  return orders.some((order) => order.id === id)
}

// Looks again, for as long as the order is being paid.
async function watch(seen, look, paint, signal) {
  for (let pause = 2; seen.isBeingPaid; pause = Math.min(pause + 1, LONGEST_PAUSE)) {
    await sleep(pause, signal)
    const found = await insist(look, { signal })
    const isNew = found.entries.length !== seen.entries.length || found.isBeingPaid !== seen.isBeingPaid
    seen = found
    if (!isNew) continue
    await paint(found, !found.isBeingPaid)
    if (!found.isBeingPaid) speak(found.order.status === 'created' ? 'The payment did not go through.' : `The order is ${STATUSES[found.order.status].toLowerCase()}.`)
  }
}

function draw({ order, entries, isBeingPaid, isOwn }, faults, { path, signal, repaint, who, isSettledNow }) {
  const refused = h('div', { class: 'refused' })
  return [
    h('p', { class: 'way-back' }, h('a', { href: '#/orders' }, icon(ICONS.back), 'Orders')),
    h(
      'header',
      { class: 'order-head' },
      h('h1', { tabindex: '-1' }, h('span', { class: 'unseen' }, 'Order of '), money(order.total_amount, order.currency)),
      isBeingPaid ? pill('paying', 'Being paid') : pill(order.status),
      h('p', { class: 'mono order-id' }, order.id),
    ),
    h(
      'div',
      { class: 'order-columns' },
      h('div', { class: 'order-side' }, facts(order, entries), h('div', { class: 'what-now' }, isBeingPaid ? wait() : actions(order, { path, signal, refused, repaint, who, isOwn }) || (isSettledNow && settled(order))), refused, who.isStaff && isRefundable(order) && refundForm(order, { signal, repaint })),
      trail(entries, faults, order.currency),
    ),
  ]
}

const wait = () =>
  h(
    'div',
    { class: 'note' },
    h('p', { class: 'note-title' }, h('span', { class: 'pulse', 'aria-hidden': 'true' }), 'A payment is under way'),
    h('p', {}, 'The bank has not said yet what became of it. This page keeps asking; you need not do anything.'),
  )

const settled = ({ status }) =>
  h('div', { class: 'note' }, h('p', { class: 'note-title' }, 'The payment is settled'), h('p', {}, `The bank has answered. The order is ${STATUSES[status].toLowerCase()}.`))

function facts(order, entries) {
  const payment = order.payment_transaction_id ?? lastPayment(entries)
  return h(
    'section',
    { class: 'panel', 'aria-label': 'The order' },
    itemList(order),
    h('p', { class: 'total' }, h('span', {}, 'Total'), h('span', { class: 'amount' }, money(order.total_amount, order.currency))),
    order.refunded_amount > 0 && h('p', { class: 'total refunded-line' }, h('span', {}, 'Refunded'), h('span', { class: 'amount' }, `−${money(order.refunded_amount, order.currency)}`)),
    h(
      'dl',
      { class: 'facts' },
      h('dt', {}, 'Ordered'),
      h('dd', {}, h('time', { datetime: order.created_at }, time(order.created_at))),
      h('dt', {}, 'Changed'),
      h('dd', {}, h('time', { datetime: order.updated_at }, time(order.updated_at))),
      payment && [h('dt', {}, order.payment_transaction_id ? 'Payment' : 'Last payment'), h('dd', { class: 'mono' }, payment)],
    ),
  )
}

function actions(order, { path, signal, refused, repaint, who, isOwn }) {
  const buttons = []
  const tell = ({ is }) => refused.replaceChildren(h('p', { class: 'note', role: 'status' }, is === 'unconnected' ? 'No connection. We try again as soon as there is one.' : 'The checkout is busy. We keep asking.'))
  if (order.status === 'created' && isOwn) {
    buttons.push(h('a', { class: 'button', href: `#/pay/${order.id}` }, 'Pay'))
    buttons.push(action('Cancel the order', 'Cancelling…', async () => {
      await insist(() => ask('POST', `${path}/cancel`, undefined, { signal }), { signal, tell })
      await repaint('The order is cancelled.')
    }, { className: 'button quiet danger', place: refused }))
  }
  if (who.isStaff && order.status === 'paid') {
    buttons.push(action('Mark as sent', 'One moment…', async () => {
      await insist(() => ask('POST', `${path}/fulfil`, undefined, { signal }), { signal, tell })
      await repaint('The order is marked as sent.')
    }, { place: refused }))
  }
  return buttons.length > 0 && h('div', { class: 'actions' }, buttons)
}

function refundForm(order, { signal, repaint }) {
  const left = order.total_amount - order.refunded_amount
  // What was under way when the page was left: the same is asked for, by the same key.
  let underWay = refundUnderWay(order.id)
  const amount = h('input', { type: 'text', id: 'refund-amount', inputmode: 'decimal', autocomplete: 'off', value: plainMoney(underWay?.amount ?? left, order.currency), 'aria-describedby': 'refund-help' })
  const reason = h('input', { type: 'text', id: 'refund-reason', maxlength: '500', autocomplete: 'off', value: underWay?.reason ?? '' })
  const said = h('div', { class: 'refused' })
  const typed = () => ({ amount: readMoney(amount.value, order.currency), ...(reason.value.trim() && { reason: reason.value.trim() }) })
  const refund = action('Refund', 'Refunding…', async () => {
    const wanted = underWay ?? typed()
    underWay = null
    if (!wanted.amount) {
      said.replaceChildren(h('p', { class: 'wrong', role: 'alert' }, `Please type an amount like ${plainMoney(left, order.currency)}.`))
      amount.focus()
      return
    }
    const tell = ({ is }) => said.replaceChildren(h('p', { class: 'note', role: 'status' }, is === 'unconnected' ? 'No connection. The same refund is asked for again when there is one.' : 'The bank has not answered yet. We keep asking.'))
    const made = await refundOrder(order, wanted, { signal, tell })
    await repaint(`${money(made.amount, made.currency)} refunded.`)
  }, { className: 'button quiet', type: 'submit', place: said })
  if (underWay) refund.click()
  return h(
    'form',
    { class: 'panel refund', 'aria-label': 'Refund', onsubmit: (event) => event.preventDefault() },
    h('p', { class: 'panel-title' }, 'Refund'),
    h('div', { class: 'fields' }, h('label', { for: 'refund-amount' }, `Amount in ${order.currency.toUpperCase()}`), amount, h('label', { for: 'refund-reason' }, 'Reason (optional)'), reason),
    h('p', { class: 'help', id: 'refund-help' }, `${money(left, order.currency)} can be refunded.`),
    refund,
    said,
  )
}

function trail(entries, faults, currency) {
  const held = faults?.filter((fault) => fault === null).length
  const isWhole = faults !== null && held === entries.length
  const verdict =
    faults === null
      ? 'This page did not come over HTTPS, so the browser cannot check the hashes.'
      : isWhole
        ? `${plural(entries.length, 'entry', 'entries')}, checked in this browser: nothing changed, nothing missing in between.`
        : `${held} of ${plural(entries.length, 'entry', 'entries')} hold. From the first that does not, nothing is certain.`
  return h(
    'section',
    { class: 'panel trail', 'aria-labelledby': 'trail-title' },
    h('div', { class: 'trail-head' }, h('h2', { id: 'trail-title' }, 'What happened'), faults !== null && badge(isWhole ? null : 'broken')),
    h('p', { class: 'trail-verdict' }, verdict),
    h('ol', { class: 'entries' }, entries.map((entry, at) => step(entry, faults?.[at], faults !== null, currency))),
  )
}

const badge = (fault) => h('span', { class: fault ? 'badge broken' : 'badge held' }, icon(fault ? ICONS.cross : ICONS.check), fault ? 'Broken' : 'Verified')

// Also one that was refunded wholly, of which a bank has sent some back.
const isRefundable = (order) => ['paid', 'fulfilled'].includes(order.status) || (order.status === 'refunded' && order.refunded_amount < order.total_amount)

const kindOf = (event) => (/failed|cancelled/.test(event) ? 'bad' : /unknown/.test(event) ? 'odd' : /succeeded|paid|fulfilled/.test(event) ? 'good' : 'plain')

function step(entry, fault, isChecked, currency) {
  const { amount, refunded_amount, total_amount, decline_code } = entry.facts
  const sum = amount ?? total_amount ?? refunded_amount
  const why = reason(entry.facts)
  return h(
    'li',
    { class: `entry ${kindOf(entry.event)} ${fault ? 'is-broken' : ''}` },
    h('span', { class: 'dot', 'aria-hidden': 'true' }),
    h(
      'div',
      { class: 'entry-body' },
      h('p', { class: 'entry-title' }, h('b', {}, decline_code ? 'Card declined' : EVENTS[entry.event] ?? entry.event.replaceAll('_', ' ')), sum !== undefined && h('span', { class: 'entry-sum' }, money(sum, entry.facts.currency ?? currency)), isChecked && badge(fault)),
      h('p', { class: 'entry-meta' }, `${ACTORS[entry.actor] ?? entry.actor} · `, h('time', { datetime: entry.at }, time(entry.at)), why && ` · ${why}`),
      fault && h('p', { class: 'entry-fault' }, `This entry ${fault}.`),
      h(
        'details',
        {},
        h('summary', {}, h('span', { class: 'unseen' }, `Entry ${entry.sequence}: `), h('span', { class: 'mono' }, entry.hash.slice(0, 16))),
        h(
          'dl',
          { class: 'facts hashes' },
          ...[
            ['State', entry.from ? `${entry.from} → ${entry.to}` : entry.to],
            ...Object.entries(entry.facts).map(([name, value]) => [name, typeof value === 'object' ? JSON.stringify(value) : String(value)]),
            ['request', entry.request_id],
            ['hash before', entry.previous_hash],
            ['hash', entry.hash],
          ].flatMap(([name, value]) => [h('dt', {}, name.replaceAll('_', ' ')), h('dd', { class: 'mono' }, value)]),
        ),
      ),
    ),
  )
}

