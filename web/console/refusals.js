// Every refusal of the API as a sentence for the customer, by its code and its facts (FR-408).

import { money, STATUSES } from './format.js'

const DECLINES = {
  insufficient_funds: 'There is not enough money on this card.',
  expired_card: 'This card has expired.',
}

const FAILURES = {
  charge_refunded: 'The charge had gone back already.',
  gateway_refused: 'The payment service refused it.',
  gateway_unavailable: 'Cards could not be charged at that time.',
  invalid_token: 'The card was not known.',
  not_charged: 'The card was not charged.',
  wrong_charge: 'The charge was not the one that was asked for.',
}

const lower = (status) => (STATUSES[status] ?? status).toLowerCase()

const SENTENCES = {
  amount_mismatch: () => 'The price of this order is not the one shown. Open it again, and then pay.',
  amount_out_of_range: (f) =>
    f.total_amount > f.maximum
      ? `An order may come to ${money(f.maximum, f.currency)} at most. Take something out of the basket.`
      : `An order must come to ${money(f.minimum, f.currency)} at least.`,
  card_declined: (f) => `${DECLINES[f.decline_code] ?? 'Your bank declined this card.'} Nothing was charged. Please try another card.`,
  card_number_refused: () => 'This looks like a card number. Please never type one here.',
  gateway_unavailable: () => 'Cards cannot be charged at the moment. Nothing was charged. Please try again soon.',
  idempotency_in_progress: () => 'This is already being done. Please wait a moment.',
  idempotency_key_conflict: () => 'This request contradicts itself. Please reload the page.',
  idempotency_key_required: () => 'This request has no key. Please reload the page.',
  idempotency_key_reused: () => 'This was already done in another way. Please reload the page.',
  insufficient_scope: () => 'Only staff can do this.',
  internal_error: () => 'Something is wrong on our side. It is on record, and we are looking into it.',
  invalid_cursor: () => 'This list is out of date. Please load it again.',
  invalid_json: () => 'This request could not be read. Please reload the page.',
  invalid_signature: () => 'This message is not signed.',
  invalid_token: () => 'This card is not known. Please choose another.',
  invalid_transition: (f) =>
    f.requested_status === 'cancelled'
      ? `This order is ${lower(f.current_status)}, and cannot be cancelled any more.`
      : f.requested_status === 'fulfilled'
        ? `This order is ${lower(f.current_status)}. Only a paid order can be sent.`
        : f.requested_status === 'refunded'
          ? `This order is ${lower(f.current_status)}. Only what was paid can be refunded.`
          : `This order is ${lower(f.current_status)}, so this cannot be done any more.`,
  order_already_paid: () => 'This order is already paid, by another payment.',
  order_not_found: () => 'There is no such order.',
  order_not_payable: (f) => `This order is ${lower(f.current_status)}, and takes no payment.`,
  payment_already_succeeded: () => 'This order was already paid for.',
  payment_in_progress: () => 'A payment of this order is under way. Please wait until it has ended.',
  payment_mismatch: () => 'This payment is for another order.',
  payment_not_found: () => 'There is no such payment.',
  payment_not_succeeded: () => 'This payment did not go through. The order is still to pay.',
  price_changed: (f) => `The price of ${f.product_id} has changed since you chose it. Your basket has the new one now.`,
  product_not_found: (f) => `${f.product_id} is not sold any more. Please take it out of the basket.`,
  refund_exceeds_payment: (f) =>
    f.refundable_amount ? `At most ${money(f.refundable_amount, f.currency)} can still be refunded.` : 'All of this order is already refunded.',
  refund_failed: () => 'The bank did not take the refund. The money is still here; it can be refunded again.',
  store_unavailable: () => 'The checkout is busy. Please try again in a moment.',
  too_many_attempts: (f) =>
    f.hourly_declines ? 'Too many cards were declined within this hour. Please try again later.' : 'This order was tried too often. Please order again.',
  unhealthy: () => 'The checkout is not well. Please try again soon.',
  // The basket adds what is sold in another currency now.
  validation_error: (f) =>
    f.sold_in
      ? `${f.product_id} is sold in ${f.sold_in.toUpperCase()} now. ${f.is_taken_up ? 'Your basket has the new price now.' : 'The rest of your basket is not: please take it out, and order it by itself.'}`
      : `This could not be accepted: ${(f.errors ?? []).map((e) => `${e.field} ${e.message}`).join('; ') || 'a field is wrong'}.`,
}

export function sentence(refusal) {
  const say = SENTENCES[refusal.code]
  return say ? say(refusal.facts) : 'This is not possible now.'
}

// Why a payment or a refund failed, as its entry of the trail has it; undefined where it has not.
export function reason({ decline_code, failure_reason }) {
  if (decline_code) return DECLINES[decline_code] ?? 'The bank declined this card.'
  return failure_reason && (FAILURES[failure_reason] ?? 'The bank did not take it.')
}
