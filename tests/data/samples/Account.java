package com.example.bank;

import java.util.List;
import java.util.concurrent.*;
import static com.example.util.Checks.requirePositive;

/**
 * Money of one customer.
 */
public class Account extends Entity implements Comparable<Account> {
    public static final int LIMIT = 1000;
    private long balance;

    public Account(String owner) {
        super(owner);
    }

    /** Puts money in. */
    @Override
    public void deposit(long amount) {
        requirePositive(amount);
        this.balance += amount;
    }

    interface Listener {
        void changed(Account account);
    }

    enum State { OPEN, CLOSED }
}

record Transfer(Account from, Account to, long amount) {
    boolean isInternal() {
        return from.equals(to);
    }
}

@interface Audited {}
