import type { Check } from './check.ts';

/** Nothing is sold twice, and no seat is lost. */
export const SEAT_CHECKS: readonly Check[] = [
  {
    name: 'seats-add-up',
    rule: 'In every show the seats that are available, held and sold are all of its seats.',
    count: 'select count(*) from show',
    broken: `
      select 'show ' || sh.id || ': ' || coalesce(free, 0) || ' available, ' || coalesce(held, 0) || ' held and '
        || coalesce(sold, 0) || ' sold of ' || sh.seat_count as name
      from show sh
        left join (select show_id, count(*) as held from hold where expires_at > now() group by show_id) h
          on h.show_id = sh.id
        left join (select show_id, count(*) as sold from ticket group by show_id) t on t.show_id = sh.id
        left join (
          select s.show_id, count(*) as free from seat s
          where not exists (select from ticket where seat_id = s.id)
            and not exists (select from hold where seat_id = s.id and expires_at > now())
          group by s.show_id
        ) f on f.show_id = sh.id
      where coalesce(free, 0) + coalesce(held, 0) + coalesce(sold, 0) <> sh.seat_count`,
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
    name: 'tickets-paid',
    rule: 'A seat has a ticket of a reservation exactly when that reservation is CONFIRMED and names the seat.',
    count: 'select count(*) from ticket',
    broken: `
      select case when t.id is null then 'reservation ' || r.id || ': no ticket for seat ' || r.seat_id
        else 'ticket ' || t.id || ': not of a CONFIRMED reservation of seat ' || t.seat_id end as name
      from (
        select id, unnest(seat_ids) as seat_id from reservation where status = 'CONFIRMED'
      ) r
      full join ticket t on t.reservation_id = r.id and t.seat_id = r.seat_id
      where t.id is null or r.id is null`,
  },
];
