<?php

namespace App\Mail;

use App\Models\User;
use App\Support\{Queue, Log as Logger};
use function App\helpers\format;
require_once __DIR__ . '/config.php';

const LIMIT = 5;
define('DEBUG', true);

/**
 * Sends mail.
 */
abstract class Mailer extends Base implements Sender
{
    use Loggable;

    public const RETRIES = 3;
    private string $from = '';

    public function __construct(private Queue $queue) {}

    /** Sends one message. */
    public function send(User $user, string $text): bool
    {
        $this->queue->push(new Message($user, $text));
        return Logger::info(format($text));
    }
}

interface Sender
{
    public function send(User $user, string $text): bool;
}

trait Loggable {}

enum Priority: string
{
    case High = 'high';
}

// Makes a mailer.
function mailer(): Mailer
{
    return app(Mailer::class);
}
