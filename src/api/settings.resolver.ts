import { Ctx, Extensions, Field, Int, ObjectType, Query, Resolver } from 'type-graphql';
import { type Context, PUBLIC } from './context.ts';

@ObjectType({ simpleResolvers: true, description: 'What a client needs to know about this deployment' })
export class Settings {
  @Field(() => String, { description: 'ISO 4217, such as KRW' })
  currency!: string;

  @Field(() => String, { description: 'IANA name, such as Asia/Seoul: what LocalDate is reckoned in' })
  timeZone!: string;

  @Field(() => Int)
  seatsPerUser!: number;

  @Field(() => Int)
  holdSeconds!: number;
}

@Resolver()
export class SettingsResolver {
  @Extensions(PUBLIC)
  @Query(() => Settings)
  settings(@Ctx() { platform }: Context): Settings {
    const { CURRENCY, TIME_ZONE, SEATS_PER_USER, HOLD_SECONDS } = platform.config;
    return { currency: CURRENCY, timeZone: TIME_ZONE, seatsPerUser: SEATS_PER_USER, holdSeconds: HOLD_SECONDS };
  }
}
