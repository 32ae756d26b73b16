package Shop::Cart;
use strict;
use List::Util qw(sum max);

our $LIMIT = 10;

# Makes a cart.
sub new {
    my ($class, %args) = @_;
    return bless { items => [] }, $class;
}

sub add {
    my ($self, $item) = @_;
    push @{ $self->{items} }, $item;
}

1;
