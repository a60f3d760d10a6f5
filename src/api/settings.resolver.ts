import { Ctx, Extensions, Field, Int, ObjectType, Query, Resolver, registerEnumType } from 'type-graphql';
import { chargesOf } from '../config.ts';
import { Cacheable } from './cacheable.ts';
import { type Context, PUBLIC } from './context.ts';

export const Charges = { OPEN: 'OPEN', OPERATOR: 'OPERATOR', PROVIDER: 'PROVIDER' } as const;
export type Charges = keyof typeof Charges;
registerEnumType(Charges, {
  name: 'Charges',
  description: 'How money comes into wallets',
  valuesConfig: {
    OPEN: { description: 'Everybody charges their own wallet for nothing: for demos, and where balances are points' },
    OPERATOR: { description: 'Only operators charge wallets, by `chargeWallet`; `charge` is FORBIDDEN' },
    PROVIDER: { description: '`charge` answers a PendingCharge, which a payment provider completes' },
  },
});

@ObjectType({ simpleResolvers: true, description: 'What a client needs to know about this deployment' })
export class Settings {
  @Cacheable()
  @Field(() => String, { description: 'Code of the currency in ISO 4217, such as KRW' })
  currency!: string;

  @Cacheable()
  @Field(() => String, {
    description: 'IANA name of the time zone, such as Asia/Seoul, in which a LocalDate is reckoned',
  })
  timeZone!: string;

  @Cacheable()
  @Field(() => Charges, { description: 'Who charges wallets, and how' })
  charges!: Charges;

  @Cacheable()
  @Field(() => Int, { description: 'Most seats of one show that one user holds and owns together' })
  seatsPerUser!: number;

  @Cacheable()
  @Field(() => Int, { description: 'How long a reservation holds its seats, in seconds' })
  holdSeconds!: number;

  @Cacheable()
  @Field(() => Int, { description: 'Most orders of one user that are PLACED, that is not paid yet' })
  unpaidOrdersPerUser!: number;

  @Cacheable()
  @Field(() => Int, { description: 'Most pieces in orders of one user that are PLACED, that is not paid yet' })
  unpaidPiecesPerUser!: number;
}

@Resolver()
export class SettingsResolver {
  @Extensions(PUBLIC)
  @Cacheable(60)
  @Query(() => Settings, { description: 'The settings of this deployment' })
  settings(@Ctx() { platform }: Context): Settings {
    const { config } = platform;
    return {
      currency: config.CURRENCY,
      timeZone: config.TIME_ZONE,
      seatsPerUser: config.SEATS_PER_USER,
      holdSeconds: config.HOLD_SECONDS,
      unpaidOrdersPerUser: config.UNPAID_ORDERS_PER_USER,
      unpaidPiecesPerUser: config.UNPAID_PIECES_PER_USER,
      charges: CHARGES[chargesOf(config)],
    };
  }
}

const CHARGES = { open: 'OPEN', operator: 'OPERATOR', provider: 'PROVIDER' } as const;
