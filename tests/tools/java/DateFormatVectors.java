import java.text.ParsePosition;
import java.text.SimpleDateFormat;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.TimeZone;

/** Prints what SimpleDateFormat writes and reads, in UTC and English: `{"written":[[pattern, epochMs, text]],"read":[[pattern, text, epochMs or null]]}`. */
public class DateFormatVectors {
    private static final String[] WRITTEN = {
        "yyyy-MM-dd HH:mm:ss.SSS z", "yyyyMMdd", "yy/M/d", "y-M-d'T'H:m:s.S'Z'", "EEE, dd MMM yyyy hh:mm:ss a zzzz", "EEEE MMMM d, yyyyy G",
        "D DDD", "w W F u Y YY YYYY", "k K h H kk KK", "X XX SXXX Z", "''yyyy'' 'o''clock' L LLL LLLL", "yyyy.MM.dd G 'at' HH:mm:ss", "SS SSSS",
    };
    private static final String[] READ = {
        "yyyy-MM-dd HH:mm:ss.SSS", "yyyyMMddHHmmss", "yy/M/d", "yyyy-MM-dd'T'HH:mm:ssX", "yyyy-MM-dd'T'HH:mm:ssZ", "EEE, dd MMM yyyy hh:mm:ss a z",
        "MMMM d, yyyy", "DDD yyyy", "d.M.y H:m", "kk:mm", "KK:mm a", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "dd/MM/yyyy G",
    };

    public static void main(String[] arguments) {
        Locale.setDefault(Locale.US);
        Random random = new Random(20);
        List<String> written = new ArrayList<>();
        for (String pattern : WRITTEN) for (int round = 0; round < 14; round++) {
            long instant = round == 0 ? 0 : (long) (random.nextGaussian() * (round % 3 == 0 ? 2.2e13 : 2e12));
            written.add("[" + quoted(pattern) + "," + instant + "," + quoted(format(pattern).format(new Date(instant))) + "]");
        }
        List<String> read = new ArrayList<>();
        for (String pattern : READ) for (int round = 0; round < 14; round++) {
            long instant = (long) (random.nextGaussian() * (round % 3 == 0 ? 2.2e13 : 2e12));
            String text = damaged(format(pattern).format(new Date(instant)), random, round);
            Date parsed = format(pattern).parse(text, new ParsePosition(0));
            read.add("[" + quoted(pattern) + "," + quoted(text) + "," + (parsed == null ? "null" : String.valueOf(parsed.getTime())) + "]");
        }
        String[][] chosen = {
            {"yyyy-MM-dd", "2024-13-45"}, {"yyyy-MM-dd", "24-1-2"}, {"yyyy-MM-dd", " 2024- 02-\t03 and more"}, {"yyyy-MM-dd", "-5-01-01"}, {"yy-MM-dd", "5-01-01"},
            {"yy-MM-dd", "99-01-01"}, {"yy-MM-dd", "007-01-01"}, {"yyyyMMdd", "2024021"}, {"yyyyMMdd", "20240215999"}, {"HH:mm", "25:61"}, {"hh:mm a", "12:30 am"},
            {"hh:mm a", "12:30 PM"}, {"S", "123456"}, {"yyyy z", "2020 PST"}, {"yyyy z", "2020 GMT+2:30"}, {"yyyy Z", "2020 -0130"}, {"yyyy X", "2020 +01:30"},
            {"yyyy X", "2020 Z"}, {"yyyy z", "2020 Z"}, {"dd MMM yyyy", "3 september 2020"}, {"dd MMMM yyyy", "3 Sep 2020"}, {"dd MMM yyyy", "3 Sex 2020"},
            {"yyyy-MM-dd", "2024-02-30"}, {"yyyy-DDD", "2024-366"}, {"yyyy-MM-dd HH", "2024-01-01 24"}, {"yyyy-MM-dd", "0001-01-01"}, {"yyyy-MM-dd", "1582-10-10"},
            {"yyyy-MM-dd", "1582-10-04"}, {"yyyy-MM-dd", "1500-02-29"}, {"yyyy-MM-dd G", "0044-03-15 BC"}, {"yyyy-MM-dd", ""}, {"yyyy-MM-dd", "abc"},
        };
        for (String[] pair : chosen) {
            Date parsed = format(pair[0]).parse(pair[1], new ParsePosition(0));
            read.add("[" + quoted(pair[0]) + "," + quoted(pair[1]) + "," + (parsed == null ? "null" : String.valueOf(parsed.getTime())) + "]");
        }
        System.out.println("{\"written\":[\n" + String.join(",\n", written) + "\n],\"read\":[\n" + String.join(",\n", read) + "\n]}");
    }

    private static SimpleDateFormat format(String pattern) {
        SimpleDateFormat format = new SimpleDateFormat(pattern);
        format.setTimeZone(TimeZone.getTimeZone("UTC"));
        // A fixed century for years of two digits: 1946 to 2045.
        format.set2DigitYearStart(new Date(-757382400000L));
        return format;
    }

    private static String damaged(String text, Random random, int round) {
        if (round % 4 != 3 || text.isEmpty()) return text;
        int at = random.nextInt(text.length());
        return text.substring(0, at) + "x 7-".charAt(random.nextInt(4)) + text.substring(at + (random.nextBoolean() ? 1 : 0));
    }

    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char character : text.toCharArray()) {
            if (character == '"' || character == '\\') quoted.append('\\').append(character);
            else if (character < ' ' || character > '~') quoted.append(String.format("\\u%04x", (int) character));
            else quoted.append(character);
        }
        return quoted.append('"').toString();
    }
}
