import type { Check } from './check.ts';

/** No seat is sold twice, and no seat is lost. */
export const SEAT_CHECKS: readonly Check[] = [
  {
    name: 'seats-add-up',
    rule: 'In every show the seats that are available, held and sold are all of its seats, and as many as it was given.',
    count: 'select count(*) from show',
    broken: `
      select 'show ' || sh.id || ': ' || coalesce(free, 0) || ' available, ' || coalesce(held, 0) || ' held and '
        || coalesce(sold, 0) || ' sold of ' || coalesce(seats, 0) || ' seats, given ' || sh.seat_count as name
      from show sh
        left join (select show_id, count(*) as seats from seat group by show_id) s on s.show_id = sh.id
        left join (select show_id, count(*) as held from hold where expires_at > now() group by show_id) h
          on h.show_id = sh.id
        left join (select show_id, count(*) as sold from ticket group by show_id) t on t.show_id = sh.id
        left join (
          select s.show_id, count(*) as free from seat s
          where not exists (select from ticket where seat_id = s.id)
            and not exists (select from hold where seat_id = s.id and expires_at > now())
          group by s.show_id
        ) f on f.show_id = sh.id
      where coalesce(free, 0) + coalesce(held, 0) + coalesce(sold, 0) <> sh.seat_count
        or coalesce(seats, 0) <> sh.seat_count`,
  },
  {
    name: 'seats-once',
    rule: 'No seat has two tickets, two live holds, or a ticket and a live hold.',
    count: 'select count(*) from seat',
    broken: `
      select 'seat ' || seat_id || ': ' || sum(tickets) || ' tickets, ' || sum(holds) || ' live holds' as name
      from (
        select seat_id, 1 as tickets, 0 as holds from ticket
        union all
        select seat_id, 0, 1 from hold where expires_at > now()
      ) taken
      group by seat_id having count(*) > 1`,
  },
  {
    name: 'cancelled-shows-given-back',
    rule: 'Of a cancelled show no seat is held, and each payment that has tickets of it is noted to be given back.',
    count: 'select count(*) from show where cancelled_at is not null',
    broken: `
      select 'show ' || s.id || ': seat ' || taken.seat_id || ' is ' || taken.how as name
      from show s join (
        select show_id, seat_id, 'held' as how from hold where expires_at > now()
        union all
        select t.show_id, t.seat_id, 'sold for good' from ticket t where not exists (
          select from payment p join show_refund r on r.payment_id = p.id and r.done_at is null
          where p.reservation_id = t.reservation_id and p.status = 'COMPLETED')
      ) taken on taken.show_id = s.id
      where s.cancelled_at is not null`,
  },
  {
    name: 'holds-reserved',
    rule: 'A seat has a live hold exactly when a live reservation of the same user, until the same time, names the seat.',
    count: 'select count(*) from hold where expires_at > now()',
    // One instant after the snapshot: by then every hold that the snapshot shows as replaced has lapsed, unlike at
    // `now()`.
    broken: `
      with t as materialized (select clock_timestamp() as at)
      select case when r.id is null then 'hold on seat ' || h.seat_id || ': not as reservation ' || h.reservation_id || ' has it'
        else 'reservation ' || r.id || ': seat ' || r.seat_id || ' is not held as it has it' end as name
      from (
        select id, unnest(seat_ids) as seat_id, user_id, show_id, expires_at
        from reservation, t where status = 'HELD' and expires_at > t.at
      ) r
      full join (select hold.* from hold, t where expires_at > t.at) h
        on h.reservation_id = r.id and h.seat_id = r.seat_id and h.user_id = r.user_id and h.show_id = r.show_id
          and h.expires_at = r.expires_at
      where r.id is null or h.seat_id is null`,
  },
  {
    name: 'tickets-paid',
    rule: 'A seat has a ticket of a reservation exactly when that reservation of the same user is CONFIRMED and names the seat.',
    count: 'select count(*) from ticket',
    broken: `
      select case when t.id is null then 'reservation ' || r.id || ': no ticket for seat ' || r.seat_id
        else 'ticket ' || t.id || ': not of a CONFIRMED reservation of seat ' || t.seat_id end as name
      from (
        select id, unnest(seat_ids) as seat_id, user_id, show_id from reservation where status = 'CONFIRMED'
      ) r
      full join ticket t on t.reservation_id = r.id and t.seat_id = r.seat_id and t.user_id = r.user_id
        and t.show_id = r.show_id
      where t.id is null or r.id is null`,
  },
  {
    name: 'reservations-exact',
    rule: 'A reservation has seats of its own show, each once with its price; its amount is the sum of these, and what was given back for seats that it no longer has.',
    count: 'select count(*) from reservation',
    broken: `
      select 'reservation ' || r.id || ': ' || r.amount || ' for ' || cardinality(r.seat_ids) || ' seats, '
        || coalesce(s.seats, 0) || ' of its show, at ' || array_to_string(r.seat_prices, ' + ')
        || case when coalesce(b.amount, 0) > 0 then ', ' || b.amount || ' given back' else '' end as name
      from reservation r left join (
        select r.id, count(*) as seats
        from (select distinct id, show_id, unnest(seat_ids) as seat_id from reservation) r
        join seat s on s.id = r.seat_id and s.show_id = r.show_id group by r.id
      ) s on s.id = r.id
      left join (
        select p.reservation_id, sum(f.amount) as amount
        from payment p join refund f on f.payment_id = p.id
        where p.reservation_id is not null and p.status <> 'FAILED'
          -- The last refund of a CANCELLED payment took back the seats that the reservation still names.
          and (p.status = 'COMPLETED' or f.seq < (select max(seq) from refund l where l.payment_id = p.id))
        group by p.reservation_id
      ) b on b.reservation_id = r.id
      where s.seats is distinct from cardinality(r.seat_ids) or cardinality(r.seat_prices) <> cardinality(r.seat_ids)
        or (select coalesce(sum(price), 0) from unnest(r.seat_prices) as price) + coalesce(b.amount, 0) <> r.amount`,
  },
];
