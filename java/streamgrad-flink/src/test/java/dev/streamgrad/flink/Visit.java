package dev.streamgrad.flink;

import java.util.ArrayList;
import java.util.List;

/** A record with ids in any number: a POJO with the fields of {@link Bundles#ids}. */
public final class Visit {
    public long id;
    public String user;
    public List<String> friends;
    public long[] items;
    public float hour;
    /** Null: not known yet. */
    public Integer clicked;

    public Visit() {}

    Visit(long id, String user, List<String> friends, long[] items, Integer clicked) {
        this.id = id;
        this.user = user;
        this.friends = friends;
        this.items = items;
        this.hour = id % 24 / 24f;
        this.clicked = clicked;
    }

    /** One of 97 users, none to four friends, none to two of ever newer items; whether they click follows from the ids. */
    static Visit of(long id) {
        List<String> friends = new ArrayList<>();
        for (long i = 0; i < id % 5; i++) {
            friends.add("user " + (id + i * 31) % 97);
        }
        long[] items = new long[(int) (id % 3)];
        for (int i = 0; i < items.length; i++) {
            items[i] = -(id / 100) - i;
        }
        return new Visit(id, "user " + id % 97, friends, items, id % 97 < 40 ? 1 : 0);
    }

    static Visit unlabelled(long id) {
        Visit visit = of(id);
        visit.clicked = null;
        return visit;
    }

    @Override
    public String toString() {
        return Long.toString(id);
    }
}
